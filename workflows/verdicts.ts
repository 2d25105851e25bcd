import { isObject } from '../contract/canonical-json.ts';
import { GATE_APPROVALS, GATE_HOURS } from '../contract/defaults.ts';
import { escapeControls } from '../contract/controls.ts';
import { findTextFault } from '../contract/person.ts';
import type {
  Build,
  ChampionChange,
  PromoteInput,
  Proposal,
  Verdict,
  WaitingProposal,
} from '../contract/promotion.ts';
import { makeFailure } from './failure.ts';

/** What a person sends is checked before it enters the history. */

const MOST_VERSION = 999_999;

/** @throws ApplicationFailure with a sentence; then the update is refused */
export function checkVerdict(verdict: unknown): asserts verdict is Verdict {
  const { version, seq, by, reason } = readFields(verdict);
  checkVersion(version);
  if (seq !== undefined && !isVersion(seq))
    throw refuse(`seq is ${show(seq)}: expected the number of a build`);
  checkPerson(by, reason);
}

/** @throws ApplicationFailure with a sentence; then the update is refused */
export function checkChange(change: unknown): asserts change is ChampionChange {
  const { action, version, by, reason, seen } = readFields(change);
  if (action !== 'promoted' && action !== 'rolled_back')
    throw refuse(`action is ${show(action)}: expected "promoted" or "rolled_back"`);
  if (action === 'promoted' || version !== undefined) checkVersion(version);
  if (seen !== undefined && seen !== null && !isBuild(seen))
    throw refuse(`seen is ${show(seen)}: expected a build, or null where there is no champion`);
  checkPerson(by, reason);
}

/** Whether a signal has the form of a proposal. The activities check what it names. */
export function isProposal(value: unknown, pipeline: string): value is Proposal {
  if (!isObject(value)) return false;
  const { decision, gate } = value;
  return (
    value['pipeline'] === pipeline &&
    isVersion(value['version']) &&
    isVersion(value['seq']) &&
    isObject(decision) &&
    ['promote', 'hold'].includes(decision['outcome'] as string) &&
    typeof decision['reason'] === 'string' &&
    isObject(gate) &&
    (GATE_APPROVALS as readonly unknown[]).includes(gate['approval']) &&
    isWithin(gate['reminder_hours'], GATE_HOURS.least) &&
    (gate['expiry_hours'] === null || isWithin(gate['expiry_hours'], 0))
  );
}

/**
 * The parts of an input that the workflow can begin with. Anyone can start it, and it begins before an activity has checked
 * its input. A pipeline without a name is refused by that activity.
 */
export function readPromoteInput(input: unknown): PromoteInput {
  const { pipeline, proposal, trackingFolder, handedOn } = isObject(input) ? input : {};
  const name = typeof pipeline === 'string' ? pipeline : '';
  const { queue, waiting } = isObject(handedOn) ? handedOn : {};
  const isProposed = (value: unknown): value is Proposal => isProposal(value, name);
  return {
    pipeline: name,
    ...(isProposed(proposal) ? { proposal } : {}),
    ...(typeof trackingFolder === 'string' ? { trackingFolder } : {}),
    handedOn: {
      queue: Array.isArray(queue) ? queue.filter(isProposed) : [],
      waiting: isWaiting(waiting, name) ? waiting : null,
    },
  };
}

function isWaiting(value: unknown, pipeline: string): value is WaitingProposal {
  if (!isObject(value)) return false;
  const { proposal, since, notices } = value;
  const isTime = typeof since === 'string' && Number.isFinite(Date.parse(since));
  return isProposal(proposal, pipeline) && isTime && Number.isInteger(notices);
}

function isWithin(hours: unknown, least: number): boolean {
  return typeof hours === 'number' && hours >= least && hours <= GATE_HOURS.most;
}

function readFields(value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw refuse(`the argument is ${show(value)}: expected an object`);
  return value;
}

function checkVersion(version: unknown): void {
  if (!isVersion(version))
    throw refuse(`version is ${show(version)}: expected the number of a version`);
}

function isVersion(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST_VERSION;
}

function isBuild(value: unknown): value is Build {
  return isObject(value) && isVersion(value['version']) && isVersion(value['seq']);
}

function checkPerson(by: unknown, reason: unknown): void {
  for (const [kind, value] of [
    ['by', by],
    ['reason', reason],
  ] as const) {
    const fault = findTextFault(kind, value);
    if (fault !== undefined) throw refuse(`${kind} is ${show(value)}: ${fault}`);
  }
}

function show(value: unknown): string {
  const text = escapeControls(JSON.stringify(value) ?? 'missing');
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function refuse(sentence: string): Error {
  return makeFailure(sentence, 'BadParams', {});
}
