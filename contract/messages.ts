import { defineQuery, defineUpdate } from '@temporalio/workflow';
import { canonicalJson } from './canonical-json.ts';
import type { PinnedRun, RunFailure, RunSummary, TrainBatchInput } from './train-batch.ts';
import type { Outcome } from './search-attributes.ts';
import type { NightlySummary } from './nightly.ts';

/** The progress of the run; null until its params are pinned. */
export const progress = defineQuery<RunSummary | null>('progress');

/** The outcome of a run: its result, or why it failed. */
export interface RunResult {
  outcome: Outcome;
  error: RunFailure | null;
  /** What the workflow returns; for a failed or cancelled run, what it did before. Null while it runs. */
  run: RunSummary | null;
}

/** The result of the run, even if it failed. `outcome` is `running` until the run ends. */
export const result = defineQuery<RunResult>('result');

/** The progress of a nightly; null until its params are pinned. */
export const nightlyProgress = defineQuery<NightlySummary | null>('nightlyProgress');

/** A param in which two runs of one batch differ, by its dotted name. */
export interface Difference {
  key: string;
  running: unknown;
  asked: unknown;
}

/** Asks how a run with this input would differ from the running one. An empty list: they are the same. */
export const joinRun = defineUpdate<Difference[], [TrainBatchInput]>('joinRun');

/** The differences between two pinned runs; empty if the running one does the work of the other. */
export function listDifferences(running: PinnedRun, asked: PinnedRun): Difference[] {
  const a = flatten(running);
  const b = flatten(asked);
  // The same uploaded bytes are the same source, even if two callers have the file at different paths.
  if (running.source !== null && running.source.sha256 === asked.source?.sha256)
    a['data.source'] = b['data.source'];
  // Where each file is a batch, the files that a caller has seen do not change the result.
  if (running.params.data.source.endsWith('/')) a['source'] = b['source'];
  // A run that repairs more damage does the work of one that repairs less.
  const damaged = asked.damaged ?? [];
  if (!damaged.every((md5) => running.damaged?.includes(md5) === true)) {
    a['damaged'] = running.damaged ?? [];
    b['damaged'] = damaged;
  }
  // A run that looks for new rows does the work of one that does not.
  if (asked.refresh === true && running.refresh !== true) {
    a['refresh'] = false;
    b['refresh'] = true;
  }
  const differences = [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    canonicalJson(a[key] ?? null) === canonicalJson(b[key] ?? null)
      ? []
      : [{ key, running: a[key] ?? null, asked: b[key] ?? null }],
  );
  // With the same params, one may be a trial and the other publish its version.
  const publishes = [running, asked].map(({ trial }) => trial === undefined);
  return differences.length === 0 && publishes[0] !== publishes[1]
    ? [{ key: 'publish', running: publishes[0], asked: publishes[1] }]
    : differences;
}

function flatten(pinned: PinnedRun): Record<string, unknown> {
  const { pipeline, batch, params, source, until, only, force, withMissing, repair } = pinned;
  // The task queue, the timeout, the search attributes and the places are left out, because they do not change the result.
  const run = { pipeline, batch, until, only, force, with_missing: withMissing };
  const flat: Record<string, unknown> = { ...run, source: source?.sha256 ?? null, repair };
  for (const [section, fields] of Object.entries(params))
    for (const [name, value] of Object.entries(fields)) flat[`${section}.${name}`] = value;
  return flat;
}
