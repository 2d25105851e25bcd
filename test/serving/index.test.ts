import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loadModel } from '../../serving/index.ts';
import { storeIn } from '../../store/index.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { publishModel } from './stored-model.ts';

const opened = vi.hoisted(() => ({ store: undefined as unknown }));

vi.mock('../../store/index.ts', async (load) => ({
  ...(await load<typeof import('../../store/index.ts')>()),
  openStore: () => opened.store,
}));

const from = { storage: { region: 'us-east-1', bucket: 'made' }, pipeline: 'made' };
const rows = [1, 7].map((size) => ({ size, weight: 1, color: 'red', day: '2024-01-02' }));
let close: ReturnType<typeof vi.spyOn>;

beforeEach(async () => {
  const bucket = new MemoryBucket();
  await bucket.ensure();
  close = vi.spyOn(bucket, 'close');
  const store = storeIn(bucket);
  await publishModel(store, 1);
  opened.store = store;
});

afterEach(() => vi.restoreAllMocks());

it('a loaded model has what its type declares and no more, and predicts after the store is closed', async () => {
  const model = await loadModel(from);
  expect(close).toHaveBeenCalledOnce();
  expect(model).toEqual({
    pipeline: 'made',
    version: 1,
    build: 1,
    classes: ['large', 'small'],
    columns: [
      { name: 'size', type: 'number' },
      { name: 'weight', type: 'number' },
      { name: 'color', type: 'category' },
      { name: 'day', type: 'date' },
    ],
    predict: expect.any(Function),
    predictProba: expect.any(Function),
  });
  expect(model.predict(rows)).toEqual(['small', 'large']);
  expect(model.predictProba(rows)).toEqual([
    [0, 1],
    [1, 0],
  ]);
});
