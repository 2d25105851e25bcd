import { defineQuery, defineUpdate } from '@temporalio/workflow';
import { canonicalJson } from './canonical-json.ts';
import type { PinnedRun, RunFailure, RunSummary, TrainBatchInput } from './train-batch.ts';
import type { Outcome } from './search-attributes.ts';
import type { NightlySummary } from './nightly.ts';

/** How far the run is; null until its params are pinned. */
export const progress = defineQuery<RunSummary | null>('progress');

/** The outcome of a run: its result, or why it failed. */
export interface RunResult {
  outcome: Outcome;
  error: RunFailure | null;
  /** As the workflow returns it; where it failed or was cancelled, as far as it came. Null while it runs. */
  run: RunSummary | null;
}

/** The outcome of the run, also of one that failed; `outcome` is `running` until it ends. */
export const result = defineQuery<RunResult>('result');

/** How far a nightly is; null until its params are pinned. */
export const nightlyProgress = defineQuery<NightlySummary | null>('nightlyProgress');

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
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    canonicalJson(a[key] ?? null) === canonicalJson(b[key] ?? null)
      ? []
      : [{ key, running: a[key] ?? null, asked: b[key] ?? null }],
  );
}

function flatten(pinned: PinnedRun): Record<string, unknown> {
  const { pipeline, batch, params, source, until, only, force, withMissing } = pinned;
  // Where it runs and how it is shown is no matter of what it does.
  const run = { pipeline, batch, until, only, force, with_missing: withMissing };
  const flat: Record<string, unknown> = { ...run, source: source?.sha256 ?? null };
  for (const [section, fields] of Object.entries(params))
    for (const [name, value] of Object.entries(fields)) flat[`${section}.${name}`] = value;
  return flat;
}
