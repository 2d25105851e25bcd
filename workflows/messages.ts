import { defineQuery, defineUpdate } from '@temporalio/workflow';
import { canonicalJson } from '../pipeline/canonical-json.ts';
import type { PinnedRun, RunSummary, TrainBatchInput } from '../activities/contract.ts';

/** How far the run is; null until its params are pinned. */
export const progress = defineQuery<RunSummary | null>('progress');

/** A param in which two runs of one batch differ, by its dotted name. */
export interface Difference {
  key: string;
  running: unknown;
  asked: unknown;
}

/** Asks whether a run started with this input would be the same as this one; answers what differs. */
export const joinRun = defineUpdate<Difference[], [TrainBatchInput]>('joinRun');

/** What differs between two pinned runs; empty when one would do the other's work. */
export function differences(running: PinnedRun, asked: PinnedRun): Difference[] {
  const a = flatten(running);
  const b = flatten(asked);
  // The same uploaded bytes are the same source, wherever each caller has the file.
  if (running.source !== null && running.source.sha256 === asked.source?.sha256)
    a['data.source'] = b['data.source'];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    canonicalJson(a[key] ?? null) === canonicalJson(b[key] ?? null)
      ? []
      : [{ key, running: a[key] ?? null, asked: b[key] ?? null }],
  );
}

function flatten(pinned: PinnedRun): Record<string, unknown> {
  // Where it runs is no matter of what it does.
  const { params, paramsHash: _, cpuTaskQueue: __, source, ...run } = pinned;
  const flat: Record<string, unknown> = { ...run, source: source?.sha256 ?? null };
  for (const [section, fields] of Object.entries(params))
    for (const [name, value] of Object.entries(fields)) flat[`${section}.${name}`] = value;
  return flat;
}
