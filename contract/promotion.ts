import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { GateParams } from './defaults.ts';

/** Names a build of a version. */
export interface Build {
  version: number;
  seq: number;
}

/** What the gate says of a build, with the numbers that it rests on. The version record, MLflow and pages have it. */
export interface GateDecision {
  outcome: 'promote' | 'hold';
  /** One sentence. */
  reason: string;
  /** The champion that it was compared with; null where there was none. */
  champion: Build | null;
  rule: GateParams['rule'];
  metric: string;
  /** The test rows that both models were scored on; 0 where they were not compared. */
  rows: number;
  /** Null where the score cannot be computed. */
  challenger_score: number | null;
  champion_score: number | null;
  /**
   * By how much the challenger is better, at least and at most, each at the gate's confidence: positive is better for
   * every metric. Null where one row, or none, says nothing.
   */
  low: number | null;
  high: number | null;
  /**
   * The probability of such a result if the challenger is not worse (by the rule `better`: not better) by more than the
   * margin. Something is shown where it is below 1 minus the gate's confidence.
   */
  p_value: number | null;
  /** The slices that are shown to be worse, as `column=value`, at most five of them. */
  worse_slices: string[];
}

/** A published build, which the gate would promote or hold. */
export interface Proposal extends Build {
  pipeline: string;
  decision: GateDecision;
  /** The section `gate` of the run's params. */
  gate: GateParams;
  /** The directory in which its run was tracked; absent for a server. */
  trackingFolder?: string;
  /** The workflow that waits for the outcome. */
  replyTo?: string;
  /** The first execution of that workflow. With the build it identifies the proposal. */
  runId?: string;
}

/** The alias in the registry of models that follows the champion. */
export const CHAMPION_ALIAS = 'champion';

/**
 * Whether the alias points at the champion. `later`: tracking is not available, or the champion is not logged there;
 * `missing`: there is no registry of models; `refused`: the registry refuses; `none`: there is no champion.
 */
export type AliasState = 'set' | 'later' | 'missing' | 'refused' | 'none';

/** What became of a published build, as the result of its run has it. */
export interface PromotionOutcome extends Build {
  /**
   * `waiting`: for a person. `champion`: it was the champion already. `proposed`: the promotion had not answered when
   * the run ended, and goes on without it.
   */
  state: PromotionAction | 'waiting' | 'champion' | 'proposed';
  /** One sentence. */
  reason: string;
  /** The champion after it. */
  champion: Build | null;
  /** Absent where nothing was promoted. */
  alias?: AliasState;
  /** Such as an alias that was moved by hand. */
  warnings: string[];
}

/** What happened to the champion, or to a build that was proposed. */
export type PromotionAction =
  'promoted' | 'held' | 'rejected' | 'expired' | 'superseded' | 'rolled_back';

/** One entry of the history of champions. */
export interface PromotionEvent extends Build {
  /** From 1, in the order in which they happened. */
  number: number;
  action: PromotionAction;
  /** The champion before it. */
  before: Build | null;
  /** ISO 8601, UTC. */
  at: string;
  /** `gate`, or the name of a person. */
  by: string;
  reason: string;
  /** The decision of the gate that led to it; null for a rollback. */
  decision: GateDecision | null;
}

/** What a person says about a version: the argument of `approve` and `reject`. */
export interface Verdict {
  version: number;
  /** The build that the person has seen; any build of the version that waits unless it is given. */
  seq?: number;
  by: string;
  reason: string;
}

/** The argument of `changeChampion`: a person makes a build the champion, or takes the champion back. */
export interface ChampionChange {
  action: 'promoted' | 'rolled_back';
  /** The version that becomes the champion; for a rollback, the champion before the present one unless it is given. */
  version?: number;
  /** The champion that the person has seen: the change is refused where it is another one. Not checked unless it is given. */
  seen?: Build | null;
  by: string;
  reason: string;
}

/** What became of the request of a person. */
export interface PersonAnswer extends PromotionEvent {
  /** Absent where no champion was made. */
  alias?: AliasState;
  /** Such as an alias that was not set; absent in answers of an earlier program. */
  warnings?: string[];
}

/** What the query `promotion` shows. */
export interface PromotionView {
  pipeline: string;
  champion: Build | null;
  /** Its present work, in a sentence. */
  doing: string | null;
  /** The proposal that waits for a person, and until when. */
  waiting: (Build & { decision: GateDecision; since: string; until: string | null }) | null;
  /** What this execution has done. */
  events: PromotionEvent[];
}

/** What `pin_promotion` returns. */
export interface PinnedPromotion {
  pipeline: string;
  champion: Build | null;
  /** Seconds; absent: the default of the workflow. */
  heartbeatTimeout?: number;
  /** The search attributes that this namespace has. Others must not be set. */
  searchAttributes: string[];
}

/** The request of `promote_version`. */
export interface PromoteRequest {
  pipeline: string;
  /** Identifies the promotion: a repeat enters no second event. */
  id: string;
  proposal: Proposal;
  by: string;
  reason: string;
  /** Only checks whether the build may wait for a person. */
  waits: boolean;
}

/** An event was entered, with the state of the alias. */
export interface Entered {
  answer: 'entered';
  event: PromotionEvent;
  alias: AliasState;
  warnings: string[];
}

export type PromoteAnswer =
  | Entered
  /** The build is the champion already. */
  | { answer: 'already' }
  /** The champion is another than the one in the decision. */
  | { answer: 'changed' }
  /** The build may wait for a person. */
  | { answer: 'clear' };

/** The request of `change_champion`. */
export interface ChangeRequest extends ChampionChange {
  pipeline: string;
  id: string;
}

/** The request of `note_promotion`: an event that changes no champion. */
export interface NoteRequest {
  pipeline: string;
  id: string;
  action: 'held' | 'rejected' | 'expired' | 'superseded';
  build: Build;
  by: string;
  reason: string;
  decision: GateDecision | null;
}

/** The request of `decide_again`. */
export interface DecideRequest extends Build {
  pipeline: string;
  /** The section `gate` of the run that proposes it; that of its record unless it is given. */
  gate?: GateParams;
}

/** The one argument of `promote`. */
export interface PromoteInput {
  pipeline: string;
  /** Absent where a person changes the champion. */
  proposal?: Proposal;
  trackingFolder?: string;
  /** The state that an earlier execution hands on when its history has grown long. */
  handedOn?: { queue: Proposal[]; waiting: WaitingProposal | null };
}

/** A proposal that waits for a person. */
export interface WaitingProposal {
  proposal: Proposal;
  /** ISO 8601, UTC. */
  since: string;
  /** How often the webhook was notified. */
  notices: number;
}

/** Its workflow id: one promotion runs at a time for a pipeline. */
export function promotionIdOf(pipeline: string): string {
  return `${pipeline}-promotion`;
}

/** Proposes a build to a promotion that is running. */
export const propose = defineSignal<[Proposal]>('propose');
/** Answers the workflow that proposed a build. */
export const promotionAnswered = defineSignal<[PromotionOutcome]>('promotionAnswered');
export const approve = defineUpdate<PersonAnswer, [Verdict]>('approve');
export const reject = defineUpdate<PersonAnswer, [Verdict]>('reject');
export const changeChampion = defineUpdate<PersonAnswer, [ChampionChange]>('changeChampion');
export const promotion = defineQuery<PromotionView>('promotion');
