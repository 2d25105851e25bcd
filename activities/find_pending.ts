import { canonicalJson } from '../contract/canonical-json.ts';
import { modelTypeOf } from '../contract/defaults.ts';
import type { Params } from '../contract/params.ts';
import type { Ledger } from '../store/ledger/ledger.ts';
import { staleVersions } from '../store/ledger/read.ts';
import { lookAt, describeLook } from '../sources/arrivals/look.ts';
import { isPlace, openPlace } from '../sources/arrivals/open-place.ts';
import type { SourceDeps } from '../sources/source.ts';
import type { Store } from '../store/index.ts';
import { currentExecution } from './run-stage.ts';
import { checkFrozen } from '../sources/frozen.ts';
import { batchesThere, waitingSentence, mayGrow } from '../sources/append-only/table.ts';
import {
  lookAtTable,
  type TableLookOptions,
  describeUnread,
  isOutOfReach,
} from '../sources/append-only/look.ts';
import type {
  FindPendingRequest,
  PendingBatch,
  PendingBatches,
  QuarantinedFile,
} from '../contract/nightly.ts';

type Deps = SourceDeps & { store: Pick<Store, 'records'> };

/** The most batches in one answer. The workflow asks for the others when these are done. */
const MOST_BATCHES = 100;

/**
 * Finds the batches that a nightly runs: those that have data and no version or, with `rebuild`, those whose
 * version was built before rows in it were replaced.
 */
export async function findPending(
  deps: Deps,
  request: FindPendingRequest,
): Promise<PendingBatches> {
  const { pipeline, params, rebuild } = request;
  const { ledger, warnings, quarantined } = await readLedger(deps, request);
  if (ledger !== undefined && ledger.batches.length > 0) checkFrozen(ledger, params);
  const there = batchesThere(ledger, params);
  const batches = rebuild
    ? await listStale(deps, pipeline, ledger, params)
    : await listUnbuilt(deps, pipeline, there.last);
  if (!rebuild && there.waiting > 0) warnings.push(waitingSentence(there, ledger!));
  return {
    batches: batches.slice(0, MOST_BATCHES),
    more: Math.max(0, batches.length - MOST_BATCHES),
    warnings,
    ...(quarantined === undefined ? {} : { quarantined }),
  };
}

/** The ledger, and what a person should know about the data. */
interface Arrived {
  ledger: Ledger | undefined;
  warnings: string[];
  quarantined?: QuarantinedFile[];
}

/** Reads the ledger. With `look`, it first looks at the source and enters new data into the ledger. */
async function readLedger(deps: Deps, request: FindPendingRequest): Promise<Arrived> {
  const { pipeline, params, source, look, rebuild } = request;
  const ledger = await deps.store.ledgers.read(pipeline);
  if (!look || rebuild) return { ledger, warnings: [] };
  const { signal, heartbeat } = currentExecution();
  const onProgress = (fraction: number): void => heartbeat({ stage: 'find_pending', fraction });
  if (!isPlace(params.data.source)) {
    // The first batch's run reads the source itself.
    if (ledger === undefined || ledger.batches.length === 0 || !mayGrow(params.data.source))
      return { ledger, warnings: [] };
    checkFrozen(ledger, params);
    return lookIfReached(deps, ledger, { params, source, signal, onProgress });
  }
  const place = await openPlace(deps, params.data.source, source);
  const looked = await lookAt(deps, {
    pipeline,
    params,
    place,
    signal,
    onFile: (read, of) => onProgress(read / of),
  });
  return {
    ledger: looked.ledger,
    warnings: describeLook(looked, params.data.source),
    quarantined: looked.quarantined.map(({ name, reason }) => ({ name, reason })),
  };
}

/** Looks for new rows. If the source cannot be reached, the batches in the ledger can still be run. */
async function lookIfReached(
  deps: Deps,
  ledger: Ledger,
  options: TableLookOptions,
): Promise<Arrived> {
  try {
    return { ledger: (await lookAtTable(deps, ledger, options)).ledger, warnings: [] };
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
    return { ledger, warnings: [describeUnread(ledger, error as Error)] };
  }
}

async function listUnbuilt(deps: Deps, pipeline: string, last: number): Promise<PendingBatch[]> {
  const built = new Set((await deps.store.records.list(pipeline)).map(({ version }) => version));
  return Array.from({ length: last }, (_, i) => i + 1)
    .filter((batch) => !built.has(batch))
    .map((batch) => ({ batch }));
}

/** Each stale version keeps the params that it was built with, so that only the amended rows change it. */
async function listStale(
  { store: { records } }: Deps,
  pipeline: string,
  ledger: Ledger | undefined,
  params: Params,
): Promise<PendingBatch[]> {
  if (ledger === undefined) return [];
  const stale = staleVersions(ledger, await records.revisions(pipeline));
  return Promise.all(
    stale.slice(0, MOST_BATCHES + 1).map(async ({ version: batch }) => {
      const before = (await records.latest(pipeline, batch)).params;
      const other = listDiffering(before, params);
      return Object.keys(other).length === 0 ? { batch } : { batch, params: other };
    }),
  );
}

/**
 * The params of a record that differ from the present ones, nested as in params.yaml. A model of another type is
 * whole, because hyperparameters belong to a type.
 */
function listDiffering(before: Record<string, unknown>, now: Params): Record<string, unknown> {
  const sections = Object.entries(now).flatMap(([section, fields]) => {
    const old = (before[section] ?? {}) as Record<string, unknown>;
    if (section === 'model' && modelTypeOf(old) !== modelTypeOf(fields as Params['model']))
      return [[section, { ...old, type: modelTypeOf(old) }]];
    const others = Object.keys(fields)
      .filter((name) => name in old)
      .filter(
        (name) =>
          canonicalJson(old[name]) !== canonicalJson((fields as Record<string, unknown>)[name]),
      )
      .map((name) => [name, old[name]]);
    return others.length === 0 ? [] : [[section, Object.fromEntries(others)]];
  });
  return Object.fromEntries(sections) as Record<string, unknown>;
}
