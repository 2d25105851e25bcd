import { batchCount } from '../pipeline/batch.ts';
import { canonicalJson } from '../pipeline/canonical-json.ts';
import type { Params } from '../pipeline/params.ts';
import { hasArrivals, type Ledger } from '../store/ledger.ts';
import { staleVersions } from '../store/stale.ts';
import { lookAt } from './arrivals/look.ts';
import { isPlace, openPlace } from './arrivals/open-place.ts';
import { sentencesOf } from './arrivals/sentences.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkFrozen } from './frozen.ts';
import type { FindPendingRequest, PendingBatch, PendingBatches } from './nightly-contract.ts';

/** What crosses Temporal stays small: the others are asked for when these are done. */
const MOST_BATCHES = 100;

/**
 * The batches a nightly is to run: those that have arrived, or can be cut, and have no version; or those
 * whose version rests on rows replaced since.
 */
export async function findPending(
  deps: Deps,
  request: FindPendingRequest,
): Promise<PendingBatches> {
  const { pipeline, params, rebuild } = request;
  const { ledger, warnings } = await known(deps, request);
  if (ledger !== undefined && ledger.batches.length > 0) checkFrozen(ledger, params);
  const batches = rebuild
    ? await staleOf(deps, pipeline, ledger, params)
    : await missingOf(deps, pipeline, knownBatches(ledger, params));
  return {
    batches: batches.slice(0, MOST_BATCHES),
    more: Math.max(0, batches.length - MOST_BATCHES),
    warnings,
  };
}

/**
 * How many batches there are data for. Of a closed source that has not been read only the first is known.
 */
export function knownBatches(ledger: Ledger | undefined, params: Params): number {
  if (ledger === undefined) return isPlace(params.data.source) ? 0 : 1;
  if (hasArrivals(ledger)) return ledger.arrivals.length;
  return batchCount(ledger.raw.at(-1)!.rows, ledger.settings.batch_size);
}

async function known(
  deps: Deps,
  { pipeline, params, source, look, rebuild }: FindPendingRequest,
): Promise<{ ledger: Ledger | undefined; warnings: string[] }> {
  if (!look || rebuild || !isPlace(params.data.source))
    return { ledger: await deps.store.ledgers.read(pipeline), warnings: [] };
  const { signal, heartbeat } = currentExecution();
  const place = await openPlace(deps, params.data.source, source);
  const looked = await lookAt(deps, {
    pipeline,
    params,
    place,
    signal,
    onFile: (read, of) => heartbeat({ stage: 'find_pending', fraction: read / of }),
  });
  return { ledger: looked.ledger, warnings: sentencesOf(looked, params.data.source) };
}

async function missingOf(deps: Deps, pipeline: string, last: number): Promise<PendingBatch[]> {
  const built = new Set((await deps.store.records.list(pipeline)).map(({ version }) => version));
  return Array.from({ length: last }, (_, i) => i + 1)
    .filter((batch) => !built.has(batch))
    .map((batch) => ({ batch }));
}

/** Each with the params its version was built with: what was amended is to be all that differs. */
async function staleOf(
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
      const other = differing(before, params);
      return Object.keys(other).length === 0 ? { batch } : { batch, params: other };
    }),
  );
}

/** The params of a record that are others now, nested as in params.yaml. */
function differing(before: Record<string, unknown>, now: Params): Record<string, unknown> {
  const sections = Object.entries(now).flatMap(([section, fields]) => {
    const old = (before[section] ?? {}) as Record<string, unknown>;
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
