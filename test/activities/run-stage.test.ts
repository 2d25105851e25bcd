import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runStage, type StageContext, type StageWork } from '../../activities/run-stage.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import type { CacheUse, Healed, StageOutcome } from '../../contract/stages.ts';
import { objectKey } from '../../store/hash.ts';
import { refOf } from '../../store/hash.ts';
import { storeIn, type Store } from '../../store/index.ts';
import { StageCache } from '../../store/stage-cache.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

/** A stage whose outputs are missing, and a worker that stops at each point of making them again. */

type Work = (context: StageContext<'evaluate'>) => Promise<StageWork<'evaluate'>>;

const logger = new DefaultLogger('ERROR');
const ref = refOf('x', Buffer.from('x'));
let store: Store;
beforeEach(() => {
  store = storeIn(new MemoryBucket());
});

/** Work that makes two files; it can be stopped after some of them. */
function makeFiles({ stopAfter = Infinity, healed = [] as Healed[] } = {}): Work {
  return async ({ put }) => {
    if (stopAfter === 0) throw new Error('killed');
    const metrics = await put('metrics', Buffer.from('{}'));
    if (stopAfter === 1) throw new Error('killed');
    const report = await put('report', Buffer.from('<p>'));
    return { outputs: { metrics, report }, facts: { test_rows: 3 }, healed };
  };
}

/** One attempt of the activity of a run. */
function attempt(
  runId: string,
  work: Work = makeFiles(),
  {
    cache = 'use',
    cacheStore = store.cache,
    damaged = [],
  }: { cache?: CacheUse; cacheStore?: StageCache; damaged?: string[] } = {},
): Promise<StageOutcome<'evaluate'>> {
  const params = paramsSchema.parse({});
  const inputs = { model: ref, encoder: ref, test: ref, train: ref };
  const call = { pipeline: 'p', batch: 1, params, cache, damaged, inputs };
  const environment = { workflowExecution: { workflowId: 'w', runId } };
  return new MockActivityEnvironment(environment, { logger }).run(() =>
    runStage({ store: { ...store, cache: cacheStore } }, 'evaluate', call, work),
  );
}

/** A cache whose worker stops once the entry is written: the answer is lost. */
function stopAfterEntry(): StageCache {
  const cache = new StageCache(store.bucket, store.artifacts);
  cache.enter = async (entry, options) => {
    await store.cache.enter(entry, options);
    throw new Error('killed');
  };
  return cache;
}

/** Runs the stage once and removes its outputs from the store. */
async function runAndLose(): Promise<Healed[]> {
  const { outputs } = await attempt('first');
  for (const { md5 } of Object.values(outputs)) await store.bucket.delete(objectKey(md5));
  return Object.values(outputs).map(({ path, md5 }) => ({ path, md5 }));
}

describe('missing outputs are made again', () => {
  it('and the attempt that makes them reports them', async () => {
    const lost = await runAndLose();
    expect(await attempt('second')).toMatchObject({ cached: false, healed: lost });
    expect(await attempt('third')).toMatchObject({ cached: true, healed: [] });
  });

  it.each([
    [0, 'before anything is stored'],
    [1, 'halfway'],
  ])('and the next attempt reports them where one stops after %i files (%s)', async (stopAfter) => {
    const lost = await runAndLose();
    await expect(attempt('second', makeFiles({ stopAfter }))).rejects.toThrow('killed');
    expect(await attempt('second')).toMatchObject({ cached: false, healed: lost });
  });

  it('and the next attempt reports them where one stops between storing and entering', async () => {
    const lost = await runAndLose();
    const stopped = attempt('second', async (context) => {
      await makeFiles()(context);
      throw new Error('killed');
    });
    await expect(stopped).rejects.toThrow('killed');
    expect(await attempt('second')).toMatchObject({ healed: lost });
  });

  it('and the next attempt reports them where one stops between entering and answering', async () => {
    const lost = await runAndLose();
    const stopped = attempt('second', makeFiles(), { cacheStore: stopAfterEntry() });
    await expect(stopped).rejects.toThrow('killed');
    expect(await attempt('second')).toMatchObject({ cached: false, healed: lost });
  });

  it('and each is reported once, whether the stage or a step within it has found it', async () => {
    const lost = await runAndLose();
    const inner = { path: 'part', md5: 'f'.repeat(32) };
    const { healed } = await attempt('second', makeFiles({ healed: [inner, lost[0]!] }));
    expect(healed).toEqual([...lost, inner]);
  });

  it('by a forced run too, however far the attempt before it came', async () => {
    const lost = await runAndLose();
    const stopped = attempt('second', makeFiles({ stopAfter: 1 }), { cache: 'bypass' });
    await expect(stopped).rejects.toThrow('killed');
    const again = await attempt('second', makeFiles(), { cache: 'bypass' });
    expect(again).toMatchObject({ cached: false, healed: lost });
  });
});

describe('a stage whose cache is required', () => {
  it('is refused with the command that runs it', async () => {
    await expect(attempt('first', makeFiles(), { cache: 'require' })).rejects.toThrow(
      'evaluate of batch 1 has not been run with these params and inputs: run "npx retrain stage evaluate 1 --pipeline p" first',
    );
  });

  it('is taken from the cache once it has been run', async () => {
    await attempt('first');
    const again = await attempt('second', makeFiles(), { cache: 'require' });
    expect(again).toMatchObject({ cached: true, facts: { test_rows: 3 } });
  });
});

it('an output that is known to be damaged is stored again, though a HEAD shows no difference', async () => {
  const { outputs } = await attempt('first');
  const { md5 } = outputs.metrics;
  const { objects } = (store.bucket as MemoryBucket).server;
  objects!.get(objectKey(md5))!.bytes = Buffer.from('{]');
  expect(await attempt('second')).toMatchObject({ cached: true });
  const damaged = ['f'.repeat(32)];
  expect(await attempt('second', makeFiles(), { damaged })).toMatchObject({ cached: true });
  const again = await attempt('second', makeFiles(), { damaged: [md5] });
  expect(again).toMatchObject({ cached: false, outputs });
  expect(Buffer.from(await store.artifacts.get(outputs.metrics)).toString()).toBe('{}');
});

describe('a stage that is forced', () => {
  it('runs though the cache has it, and stores again what is there', async () => {
    const { outputs } = await attempt('first');
    const key = objectKey(outputs.metrics.md5);
    const puts = vi.spyOn(store.bucket, 'put');
    let runs = 0;
    const counted: Work = async (context) => {
      runs++;
      return makeFiles()(context);
    };
    expect(await attempt('second', counted)).toMatchObject({ cached: true });
    expect(runs).toBe(0);
    expect(puts).not.toHaveBeenCalled();
    expect(await attempt('second', counted, { cache: 'bypass' })).toMatchObject({ cached: false });
    expect(runs).toBe(1);
    expect(puts.mock.calls.map(([stored]) => stored)).toContain(key);
  });

  it('takes what an earlier attempt of the same run has made', async () => {
    await attempt('first');
    await attempt('second', makeFiles(), { cache: 'bypass' });
    const again = await attempt('second', makeFiles({ stopAfter: 0 }), { cache: 'bypass' });
    expect(again).toMatchObject({ cached: false });
  });
});
