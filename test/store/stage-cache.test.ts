import { describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../store/bucket.ts';
import { objectKey } from '../../store/hash.ts';
import { storeIn } from '../../store/index.ts';
import { stageKey, type CacheEntry } from '../../store/stage-cache.ts';
import { everyOrder, type Client } from '../support/interleavings.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const identity = { stage: 'train', batch: 1, code: 1, params: {}, libraries: {}, inputs: {} };
const key = stageKey(identity);

/** Runs a stage as an activity does: its output first, then its entry. */
async function enter(
  bucket: Bucket,
  runId: string,
  { output = 'model', replace = false } = {},
): Promise<CacheEntry> {
  const store = storeIn(bucket);
  const model = await store.artifacts.put('models/1/model.json', Buffer.from(output));
  const entry: CacheEntry = {
    schema: 1,
    key,
    ...identity,
    outputs: { model },
    facts: {},
    warnings: [],
    producer: { workflow_id: 'w', run_id: runId },
    started_at: '',
    duration_ms: 1,
  };
  return store.cache.enter(entry, { replace });
}

describe('in every order of their requests', () => {
  it('an entry never names what is not stored, whichever run crashes, and both runs see the one that stays', async () => {
    const run =
      (id: string): Client =>
      (bucket) =>
        enter(bucket, id);
    await everyOrder({
      clients: () => [run('a'), run('b')],
      crashes: 1,
      after: async (bucket, ended) => {
        const found = await storeIn(bucket).cache.lookUp('train', key);
        expect(found?.missing ?? []).toEqual([]);
        const seen = ended.flatMap((end) => (end.status === 'done' ? [end.value] : []));
        for (const entry of seen) expect(entry).toEqual(found!.entry);
      },
    });
  });
});

describe('an entry', () => {
  it('stays as the first run made it, unless it is replaced or its outputs are others', async () => {
    const bucket = new MemoryBucket();
    const { cache } = storeIn(bucket);
    await enter(bucket, 'first');
    expect((await enter(bucket, 'second')).producer.run_id).toBe('first');
    expect((await enter(bucket, 'third', { replace: true })).producer.run_id).toBe('third');
    await enter(bucket, 'fourth', { output: 'another model' });
    expect((await cache.read('train', key))!.producer.run_id).toBe('fourth');
  });

  it('is entered again when gc removes the earlier one meanwhile', async () => {
    const bucket = new MemoryBucket(undefined, {
      around: ({ verb, key: asked }, act) => {
        if (verb === 'get' && asked.startsWith('cache/')) bucket.server.objects!.delete(asked);
        return act();
      },
    });
    await enter(bucket, 'first');
    expect((await enter(bucket, 'second')).producer.run_id).toBe('second');
    const { cache } = storeIn(new MemoryBucket(bucket.server));
    expect((await cache.read('train', key))!.producer.run_id).toBe('second');
  });

  it('is looked up with those of its outputs that are missing, or have another size or checksum', async () => {
    const bucket = new MemoryBucket();
    const { cache } = storeIn(bucket);
    const { outputs } = await enter(bucket, 'a');
    const stored = objectKey(outputs['model']!.md5);
    const object = bucket.server.objects!.get(stored)!;
    expect((await cache.lookUp('train', key))!.missing).toEqual([]);
    for (const damage of [
      { bytes: object.bytes.subarray(1), sha256: undefined },
      { sha256: '0'.repeat(64) },
    ]) {
      bucket.server.objects!.set(stored, { ...object, ...damage });
      expect((await cache.lookUp('train', key))!.missing).toEqual([outputs['model']]);
    }
    await bucket.delete(stored);
    expect((await cache.lookUp('train', key))!.missing).toEqual([outputs['model']]);
    expect(await cache.lookUp('train', '0'.repeat(64))).toBeUndefined();
  });
});
