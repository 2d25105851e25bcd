import { canonicalJson } from '../contract/canonical-json.ts';
import type { StageName } from '../contract/stages.ts';
import type { VersionRecord } from '../store/version-record.ts';
import type { CacheEntry } from '../store/stage-cache.ts';
import { formatMinute } from './format.ts';
import { foldText } from './print.ts';
import { compareIdentities, type StageDifference } from './compare/identity.ts';

/** Why a stage runs, or ran. */
export type Reason =
  | StageDifference
  /** The stage is not in the build before. */
  | { kind: 'new' }
  /** An earlier stage runs and makes its input, so the input is not known yet. */
  | { kind: 'upstream'; stage: StageName }
  /** Only the worker can read its input. */
  | { kind: 'unknown'; name: string }
  /** The worker reads this source again. */
  | { kind: 'looks'; name: string }
  /** An output is missing from the bucket, or damaged. */
  | { kind: 'missing'; path: string }
  /** Nothing differs from the last run, but its entry is no longer in the cache. */
  | { kind: 'forgotten' }
  /** Nothing differs from the last run: it was forced, or an object was made again. */
  | { kind: 'again' };

/** The most reasons a phrase gives; JSON has all. */
const MOST = 3;

/** Reasons as a person reads them: `model.max_depth 5 → 3; train runs`. */
export function describeReasons(reasons: readonly Reason[]): string {
  const more = reasons.length - MOST;
  const phrases = reasons.slice(0, MOST).map(describeReason);
  return [...phrases, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case 'new':
      return 'never run before';
    case 'upstream':
      return `${reason.stage} runs`;
    case 'unknown':
      return `only a worker can read ${reason.name}`;
    case 'looks':
      return `it looks at ${reason.name} again, because the known rows do not fill this batch`;
    case 'missing':
      return `${reason.path} is missing or damaged in the bucket`;
    case 'forgotten':
      return 'its last run is no longer in the cache';
    case 'again':
      return 'nothing differs: forced, or made again';
    case 'champion':
      if (reason.name === 'unusable')
        return `the champion ${reason.new === null ? 'can be scored again' : 'cannot be scored now'}`;
      return reason.new === null
        ? 'there is no champion now'
        : `the champion is build ${toText(reason.new)} now`;
    case 'cut':
      return reason.new === 'file'
        ? 'the batch is a separate file now, and not rows of a table'
        : 'the batch is cut from the table now, and not a separate file';
    case 'input':
      return `${reason.name} ${shortenMd5(String(reason.old))} → ${shortenMd5(String(reason.new))}`;
    case 'code':
      return `code version ${toText(reason.old)} → ${toText(reason.new)}`;
    default:
      if (reason.name === 'added_columns') return 'the columns that later files add are others now';
      return `${reason.name} ${toText(reason.old)} → ${toText(reason.new)}`;
  }
}

/** Enough of an MD5 to distinguish two. */
export function shortenMd5(md5: string): string {
  return md5.slice(0, 8);
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : canonicalJson(value ?? null);
}

/** The run that made a stage's outputs. */
export interface Producer {
  workflowId: string;
  runId: string;
  /** When that stage began there; ISO 8601, UTC. */
  at: string;
}

/** The origin of a stage's outputs: an earlier run, or this run because something differed. */
export interface Origin {
  cachedFrom: Producer | null;
  /** Why it ran; empty for a stage that was taken from the cache. */
  because: Reason[];
}

export function producerOf({
  producer,
  started_at,
}: Pick<CacheEntry, 'producer' | 'started_at'>): Producer {
  return { workflowId: producer.workflow_id, runId: producer.run_id, at: started_at };
}

/** What both a cache entry and a stage of a version record hold. */
type StageRun = Omit<VersionRecord['stages'][number], 'cached'>;

/**
 * Finds the origin of the outputs of a finished stage.
 * @param previous the record of the build before; undefined when there is none
 */
export function findOrigin(
  run: StageRun,
  { cached, previous }: { cached: boolean; previous: VersionRecord | undefined },
): Origin {
  if (cached) return { cachedFrom: producerOf(run), because: [] };
  const before = previous?.stages.find(({ stage }) => stage === run.stage);
  if (before === undefined) return { cachedFrom: null, because: [{ kind: 'new' }] };
  const differences = compareIdentities(before, run, previous!.params);
  return {
    cachedFrom: null,
    because: differences.length > 0 ? differences : [{ kind: 'again' }],
  };
}

/**
 * A line for each stage that was taken from another run, or that ran because something differed. A first build
 * has no lines, because all its stages are new.
 */
export function describeOrigins(
  stages: readonly (Origin & { stage: string })[],
  runId: string,
): string[] {
  return stages.flatMap(({ stage, cachedFrom, because }) => {
    const line =
      cachedFrom === null
        ? because.some(({ kind }) => kind === 'new')
          ? undefined
          : `ran: ${describeReasons(because)}`
        : cachedFrom.runId === runId
          ? undefined
          : `from ${describeProducer(cachedFrom)}`;
    return line === undefined ? [] : [`${stage.padEnd(13)}  ${foldText(line, 15)}`];
  });
}

/** `iris-batch-1, 2026-11-23 22:10 UTC`. */
export function describeProducer({ workflowId, at }: Producer): string {
  return `${workflowId}, ${formatMinute(at)}`;
}
