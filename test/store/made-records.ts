import { stageKey, type CacheEntry } from '../../store/stage-cache.ts';
import type { VersionRecord } from '../../store/version-record.ts';

type Draft = Omit<VersionRecord, 'schema' | 'seq'>;

/** A record as a run publishes it: of version 1 of pipeline `p` without stages where nothing else is given. */
export function draftRecord(parts: Partial<Draft> & Pick<Draft, 'build'>): Draft {
  return {
    pipeline: 'p',
    version: 1,
    ledger_revision: 1,
    params: { data: {}, model: {} },
    params_hash: 'h',
    stages: [],
    metrics: { accuracy: 1 },
    workflow: { workflow_id: 'w', run_id: 'r' },
    git_commit: null,
    forced: false,
    trial: null,
    comparisons: [],
    attempt: 'a',
    mlflow: null,
    healed: [],
    created_at: '2026-01-01T00:00:00.000Z',
    ...parts,
  };
}

/** A cache entry under the key of what is given of its identity. */
export function makeEntry(
  stage: string,
  batch: number | null,
  outputs: CacheEntry['outputs'],
  { inputs = {}, params = {} }: Partial<Pick<CacheEntry, 'inputs' | 'params'>> = {},
): CacheEntry {
  const identity = { stage, batch, code: 1, params, libraries: {}, inputs };
  return {
    schema: 1,
    key: stageKey(identity),
    ...identity,
    outputs,
    facts: {},
    warnings: [],
    producer: { workflow_id: 'w', run_id: 'r' },
    started_at: '2026-01-01T00:00:00.000Z',
    duration_ms: 1,
  };
}

/** What the record of the run that made an entry says of the stage. */
export function stageOf({
  schema: _,
  batch: __,
  ...stage
}: CacheEntry): VersionRecord['stages'][number] {
  return { ...stage, cached: false };
}

/** Receives the errors of records where none may be damaged. */
export function refuse(error: Error): never {
  throw error;
}
