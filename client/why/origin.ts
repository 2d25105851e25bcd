import type { VersionRecord } from '../../store/version-record.ts';
import type { CacheEntry } from '../../store/stage-cache.ts';
import { differencesOf } from '../compare/identity.ts';
import { phraseOf, type Reason } from './reason.ts';

/** The run that made a stage's outputs. */
export interface Producer {
  workflowId: string;
  runId: string;
  /** When that stage began there; ISO 8601, UTC. */
  at: string;
}

/** Where a stage's outputs come from: an earlier run, or this one because something differed. */
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

/** What a cache entry and a stage of a version record both tell of a run of a stage. */
type StageRun = Omit<VersionRecord['stages'][number], 'cached'>;

/**
 * Where the outputs of a finished stage come from.
 * @param previous the record of the build before; undefined when there is none
 */
export function originOf(
  run: StageRun,
  { cached, previous }: { cached: boolean; previous: VersionRecord | undefined },
): Origin {
  if (cached) return { cachedFrom: producerOf(run), because: [] };
  const before = previous?.stages.find(({ stage }) => stage === run.stage);
  if (before === undefined) return { cachedFrom: null, because: [{ kind: 'new' }] };
  const differences = differencesOf(before, run, previous!.params);
  return {
    cachedFrom: null,
    because: differences.length > 0 ? differences : [{ kind: 'again' }],
  };
}

/**
 * A line for each stage that has something to say: the other run it was taken from, or what differed
 * from the last time it ran. A first build says of no stage that it is new.
 */
export function originLines(
  stages: readonly (Origin & { stage: string })[],
  runId: string,
): string[] {
  return stages.flatMap(({ stage, cachedFrom, because }) => {
    const told =
      cachedFrom === null
        ? because.some(({ kind }) => kind === 'new')
          ? undefined
          : `ran: ${phraseOf(because)}`
        : cachedFrom.runId === runId
          ? undefined
          : `from ${fromPhrase(cachedFrom)}`;
    return told === undefined ? [] : [`${stage.padEnd(13)}  ${told}`];
  });
}

/** `iris-batch-1, 2026-11-23 22:10`. */
export function fromPhrase({ workflowId, at }: Producer): string {
  return `${workflowId}, ${at.replace('T', ' ').slice(0, 16)}`;
}
