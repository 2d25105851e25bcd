import { RETRAIN } from './command.ts';
import { MissingHistory } from './failures.ts';
import type { NamedScore } from './metric-sets.ts';
import type { Params } from './params.ts';
import type {
  Build,
  ChampionChange,
  GateDecision,
  PromotionAction,
  PromotionOutcome,
} from './promotion.ts';
import type { Ref, TrackedRun } from './ref.ts';
import type { Comparison, Healed, StageFacts, StageName } from './stages.ts';
import type { TrialParams } from './trials.ts';

export interface PublishRequest {
  pipeline: string;
  batch: number;
  params: Params;
  paramsHash: string;
  ledgerRevision: number;
  stages: { stage: StageName; key: string; cached: boolean }[];
  attempt: string;
  /** Null if it is not logged yet. */
  mlflow: TrackedRun | null;
  healed: Healed[];
  forced: boolean;
  comparisons: Comparison[];
  /** For a trial: the params in which it differs. Absent: the version is published. */
  trial?: TrialParams;
  /** Whether the run repairs the published build. If it has made the same objects, no other build is recorded. */
  repair?: boolean;
}

export interface PublishResult {
  /** The version record. */
  record: Ref;
  version: number;
  seq: number;
  metrics: Record<string, number>;
  /** The headline score; absent without test rows, and in results of an earlier program. */
  score?: NamedScore;
  /** For a trial, whose build is recorded and not published. */
  trial?: TrialParams;
  /** Whether MLflow could not be updated. Then the version is logged from its record later. */
  deferred?: boolean;
  /** Such as an alias of the champion that was moved by hand; absent where there are none. */
  warnings?: string[];
}

/** The one argument of `logVersion`. */
export interface LogVersionInput {
  pipeline: string;
  version: number;
  /** Which build of it; the latest unless it is given. */
  seq?: number;
  /** Make this build the published one. */
  publish?: boolean;
  /** As in `TrainBatchInput`. */
  trackingFolder?: string;
}

export interface LoggedVersion {
  version: number;
  seq: number;
  /** Whether anything was logged that was not there before. */
  added: boolean;
  mlflow: TrackedRun;
  /** For a published trial: whether it became the champion. */
  promotion?: PromotionOutcome;
}

/** The error of a command that needs a version, for a pipeline that has none. */
export function makeNoVersionError(pipeline: string): MissingHistory {
  return new MissingHistory(
    `${pipeline} has no version yet: make one with "${RETRAIN} run 1 --pipeline ${pipeline}"`,
  );
}

/** The error of a command that needs the champion, for a pipeline that has none. */
export function makeNoChampionError(pipeline: string): MissingHistory {
  return new MissingHistory(
    `${pipeline} has no champion yet: the first version that passes the gate becomes the champion, or a person chooses one with "${RETRAIN} promote N --reason REASON --pipeline ${pipeline}"`,
  );
}

/** `5.1`: build 1 of version 5. */
export function nameBuild({ version, seq }: Build): string {
  return `${version}.${seq}`;
}

export function isSameBuild(a: Build | null, b: Build | null): boolean {
  return a?.version === b?.version && a?.seq === b?.seq;
}

/** Whether an event with this action made a build the champion. The others leave the champion as it is. */
export function makesChampion(action: PromotionAction): action is ChampionChange['action'] {
  return action === 'promoted' || action === 'rolled_back';
}

/** The commands that approve and reject a build that waits, as a person can paste them. */
export function writeAnswers(pipeline: string, build: Build): { approve: string; reject: string } {
  const write = (verb: string): string =>
    `${RETRAIN} ${verb} ${nameBuild(build)} --reason "REASON" --pipeline ${pipeline}`;
  return { approve: write('approve'), reject: write('reject') };
}

/** A decision of the gate as the facts of its stage, which have no lists. */
export function toGateFacts({
  worse_slices: _,
  champion,
  ...facts
}: GateDecision): StageFacts<'gate'> {
  return { ...facts, champion: champion && nameBuild(champion) };
}
