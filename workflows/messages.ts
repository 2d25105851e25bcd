import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { PinnedRun, RunSummary, TrainBatchInput } from '../activities/contract.ts';

/** How far the run is. */
export const progress = defineQuery<RunSummary>('progress');

/** A param in which two runs of one batch differ, by its dotted name. */
export interface Difference {
  key: string;
  running: unknown;
  asked: unknown;
}

/** Asks whether a run started with this input would be the same as this one; answers what differs. */
export const joinRun = defineUpdate<Difference[], [TrainBatchInput]>('joinRun');

/** What differs between two pinned runs of one batch. */
export function differences(running: PinnedRun, asked: PinnedRun): Difference[] {
  const a = flatten(running);
  const b = flatten(asked);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    JSON.stringify(a[key]) === JSON.stringify(b[key])
      ? []
      : [{ key, running: a[key] ?? null, asked: b[key] ?? null }],
  );
}

function flatten(run: PinnedRun): Record<string, unknown> {
  const flat: Record<string, unknown> = {
    until: run.until,
    only: run.only,
    force: run.force,
    source: run.source?.sha256 ?? null,
  };
  for (const [section, fields] of Object.entries(run.params))
    for (const [name, value] of Object.entries(fields)) flat[`${section}.${name}`] = value;
  return flat;
}
