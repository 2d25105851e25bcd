import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { findPending } from '../../activities/find_pending.ts';
import { limitsFromEnv } from '../../sources/source.ts';
import { hashOf, refOf } from '../../store/hash.ts';
import { storeIn, type Store } from '../../store/index.ts';
import type { Settings } from '../../store/ledger/ledger.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { buildRecord } from '../client/records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

const raw = refOf('data/raw/iris.csv', Buffer.from('raw'));
const at = '2026-01-01T00:00:00.000Z';
const present = paramsOf({}, {});
const { data } = present;

const settings: Settings = {
  source: { kind: 'iris', name: 'iris' },
  grows: false,
  delimiter: data.delimiter,
  encoding: data.encoding,
  target: data.target,
  columns: [{ name: data.target, type: 'category' }],
  missing_values: data.missing_values,
  decimal: data.decimal,
  thousands: data.thousands,
  batch_size: data.batch_size,
  shuffle_seed: data.shuffle_seed,
  split_key: null,
  split_time: null,
};

const makeDeps = (store: Store) => ({
  store,
  local: new LocalCache(tmpdir()),
  compute: () => Promise.reject(new Error('nothing to compute')),
  root: tmpdir(),
  scratch: tmpdir(),
  sources: { s3: { endpoint: '', region: '', bucket: '' }, limits: limitsFromEnv({}) },
});

/** The params of the only stale version, which was built with `model`, under the present `asked`. */
async function paramsOfStale(model: object, asked: object): Promise<unknown> {
  const store = storeIn(new MemoryBucket());
  const entry = { ref: raw, columns: raw, rows: 50, fetched_at: at, etag: null };
  await store.ledgers.open('iris', { settings, location: 'iris' }, entry);
  const batch = { batch: 1, rows: 50, ref: refOf('b', Buffer.from('b')), raw: raw.sha256, from: 0 };
  await store.ledgers.append('iris', settings, [batch]);
  const params = { ...present, model };
  const { seq: _, schema: __, ...record } = buildRecord(1).record;
  await store.records.publish({ ...record, params, params_hash: hashOf(params) });
  const other = refOf('other', Buffer.from('other'));
  const amendment = { batch: 1, ref: other, rows: 50, raw: other, columns: raw, at };
  await store.ledgers.amend('iris', amendment);
  const deps = makeDeps(store);
  const request = { pipeline: 'iris', params: paramsOf({}, asked), source: null };
  const { batches } = await findPending(deps, { ...request, look: false, rebuild: true });
  expect(batches).toHaveLength(1);
  return batches[0]!.params;
}

describe('a stale version is built again with the params that it was built with', () => {
  it('those that differ from the present ones are named', async () => {
    const model = { ...present.model, max_depth: 3 };
    expect(await paramsOfStale(present.model, {})).toBeUndefined();
    expect(await paramsOfStale(model, {})).toEqual({ model: { max_depth: 3 } });
  });

  it('a model of another type is named whole', async () => {
    const baseline = { task: 'classification', type: 'baseline' };
    expect(await paramsOfStale(baseline, {})).toEqual({ model: baseline });
    const model = { ...present.model, max_depth: 3 };
    expect(await paramsOfStale(model, { model: { type: 'baseline' } })).toEqual({ model });
  });

  it('a record of an earlier program, which names no type, has the default one', async () => {
    const { type, ...model } = { ...present.model, type: 'decision_tree' };
    expect(await paramsOfStale(model, {})).toBeUndefined();
    expect(await paramsOfStale(model, { model: { type: 'ml_cart' } })).toEqual({
      model: { ...model, type },
    });
  });
});

describe('before the first batch of a table that may grow is cut', () => {
  async function findInTable(rows: number) {
    const store = storeIn(new MemoryBucket());
    const source = { kind: 'file', name: 'wine.csv' } as const;
    const entry = { ref: raw, columns: raw, rows, fetched_at: at, etag: null };
    await store.ledgers.open(
      'wine',
      { settings: { ...settings, source, grows: true }, location: './wine.csv' },
      entry,
    );
    const params = paramsOf({}, { data: { source: './wine.csv' } });
    const request = { pipeline: 'wine', params, source: null, look: false, rebuild: false };
    const { batches, warnings } = await findPending(makeDeps(store), request);
    return { batches: batches.map(({ batch }) => batch), warnings };
  }

  it('a short last batch is not pending, and a warning says how many rows wait', async () => {
    expect(await findInTable(120)).toEqual({
      batches: [1, 2],
      warnings: [
        'batch 3 waits for the rest of its 50 rows: 20 have arrived, and "npx retrain run 3 --pipeline wine" cuts it with those',
      ],
    });
  });

  it('batch 1 is pending even if it is short', async () => {
    expect(await findInTable(30)).toEqual({ batches: [1], warnings: [] });
  });
});
