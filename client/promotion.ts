import { RETRAIN } from '../contract/command.ts';
import { isOpen } from '../contract/execution.ts';
import { messageOf, MissingHistory } from '../contract/failures.ts';
import {
  type Build,
  CHAMPION_ALIAS,
  type GateDecision,
  type PersonAnswer,
  promotion,
  type PromotionEvent,
  promotionIdOf,
  type PromotionView,
} from '../contract/promotion.ts';
import { isSameBuild, makesChampion, nameBuild, writeAnswers } from '../contract/versions.ts';
import type { ChampionHistory } from '../store/champions.ts';
import type { Store } from '../store/index.ts';
import { type BuildDocument, nameAction, toBuildDocument } from './champion.ts';
import { formatMinute } from './format.ts';
import { printFact, say } from './print.ts';
import type { Session } from './session.ts';
import { NO_WORKER, taskQueueHasWorker } from './waiting.ts';

/** An entry of the history of champions, as `--json` prints it. */
interface EventDocument extends BuildDocument {
  number: number;
  action: PromotionEvent['action'];
  /** The champion before it. */
  before: BuildDocument | null;
  at: string;
  by: string;
  reason: string;
  decision: GateDecision | null;
}

export function toEventDocument(event: PromotionEvent): EventDocument {
  const { number, action, before, at, by, reason, decision } = event;
  return {
    number,
    action,
    ...toBuildDocument(event),
    before: before && toBuildDocument(before),
    at,
    by,
    reason,
    decision,
  };
}

/** What happened to the champion, in a sentence. */
export function describeEvent(pipeline: string, event: PromotionEvent): string {
  const { action, before } = event;
  const name = `version ${nameBuild(event)}`;
  const old = before && nameBuild(before);
  switch (action) {
    case 'promoted':
      return `${name} is the champion of ${pipeline} now${old === null ? '' : `; before: ${old}`}`;
    case 'rolled_back':
      return `${name} is the champion of ${pipeline} again${old === null ? '' : ` in place of ${old}`}`;
    default:
      return `${name} is ${nameAction(action)}; ${old === null ? `${pipeline} has no champion yet` : `${old} stays the champion`}`;
  }
}

/** What a person must know about the alias after a decision, in sentences. */
export function describeAliasWarnings(
  pipeline: string,
  { alias, warnings = [] }: Pick<PersonAnswer, 'alias' | 'warnings'>,
): string[] {
  if (alias !== 'later' || warnings.length > 0) return warnings;
  return [
    `the alias ${CHAMPION_ALIAS} does not point at it yet: it follows when MLflow answers and the version is logged there; "${RETRAIN} champion --pipeline ${pipeline}" shows whether it does`,
  ];
}

/** The event that made the present champion the champion. */
export function findPromotion(
  events: readonly PromotionEvent[],
  champion: Build,
): PromotionEvent | undefined {
  return events.findLast((event) => makesChampion(event.action) && isSameBuild(event, champion));
}

function describeAction(action: PromotionEvent['action']): string {
  return action === 'expired' ? action : `was ${nameAction(action)}`;
}

/**
 * Which build is the champion and, if it is another one, what became of this build.
 * @param shown the reason of the gate, which is shown beside it and is not repeated
 */
export function describeStanding(
  { champion, events }: Pick<ChampionHistory, 'champion' | 'events'>,
  build: Build,
  shown?: unknown,
): string {
  const last = events.findLast((event) => isSameBuild(event, build));
  const isChampion = isSameBuild(champion, build);
  const now = isChampion ? 'this build' : champion === null ? 'none yet' : nameBuild(champion);
  if (last === undefined) return now;
  const { action, at, by, reason } = last;
  const since = isChampion ? ', since' : `; this build ${describeAction(action)} on`;
  return `${now}${since} ${formatMinute(at)}, by ${by}${reason === shown ? '' : `: ${reason}`}`;
}

/** A version that waits for approval, as `--json` prints it. */
export interface WaitingDocument extends BuildDocument {
  decision: GateDecision;
  since: string;
  /** When it expires; null: never. */
  until: string | null;
}

/** What waits for a person, and the commands that answer it: one line each. */
export function describeWaiting(pipeline: string, waiting: WaitingDocument): string[] {
  const { since, until, decision, version, build: seq } = waiting;
  const build = { version, seq };
  const expiry = until === null ? '' : `, until ${formatMinute(until)}`;
  return [
    `version ${nameBuild(build)} waits for approval since ${formatMinute(since)}${expiry}: ${decision.reason}`,
    ...Object.values(writeAnswers(pipeline, build)),
  ];
}

/** Prints what waits for a person, or that it is not known. */
export function printWaiting(
  pipeline: string,
  { waiting, problem }: Pick<WaitingNow, 'waiting' | 'problem'>,
): void {
  if (waiting !== null) printFact('waits', describeWaiting(pipeline, waiting).join('\n'));
  if (problem !== null) say(`it is not known what waits for approval: ${problem}`, 'warning');
}

/** What waits for a person's approval, as Temporal knows it. */
export interface WaitingNow {
  waiting: WaitingDocument | null;
  /** Why it is not known; null where it is. */
  problem: string | null;
}

/** How long Temporal and a worker may take to answer. */
const ANSWER_MS = 5_000;

/** Asks the running promotion of a pipeline what waits. Without Temporal or a worker, the rest can still be shown. */
export async function readWaiting(session: Session, pipeline: string): Promise<WaitingNow> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  const { connection, workflow } = session.client;
  const handle = workflow.getHandle(promotionIdOf(pipeline));
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    connection.withDeadline(Date.now() + ANSWER_MS, call);
  try {
    const { status } = await within(() => handle.describe());
    if (!isOpen(status)) return { waiting: null, problem: null };
    if (!(await taskQueueHasWorker(session))) return { waiting: null, problem: NO_WORKER };
    const { waiting } = await within(() => handle.query(promotion));
    return { waiting: waiting && toWaitingDocument(waiting), problem: null };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { waiting: null, problem: null };
    return { waiting: null, problem: messageOf(error) };
  }
}

function toWaitingDocument(waiting: NonNullable<PromotionView['waiting']>): WaitingDocument {
  const { decision, since, until } = waiting;
  return { ...toBuildDocument(waiting), decision, since, until };
}

/**
 * The error for a version that is approved or rejected and does not wait: it says what became of it.
 * @throws MissingHistory when there is no such version
 */
export async function explainNotWaiting(
  { champions, records }: Pick<Store, 'champions' | 'records'>,
  pipeline: string,
  version: number,
): Promise<MissingHistory> {
  const waits = `version ${version} of ${pipeline} waits for no approval`;
  const history = await champions.read(pipeline);
  const last = history?.events.findLast((event) => event.version === version);
  if (last !== undefined)
    return new MissingHistory(
      `${waits}: it ${describeAction(last.action)} on ${formatMinute(last.at)} by ${last.by} (${last.reason})`,
    );
  await records.latest(pipeline, version);
  return new MissingHistory(
    `${waits}: the gate has not proposed it; make it the champion with "${RETRAIN} promote ${version} --reason REASON --pipeline ${pipeline}"`,
  );
}
