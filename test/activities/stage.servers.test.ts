import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Healed, StageResult } from '../../contract/stages.ts';
import type { Deps } from '../../activities/deps.ts';
import { runStage, type Stage, type StageCall } from '../../activities/stage.ts';
import { objectKey } from '../../store/hash.ts';
import { openStore, type Store } from '../../store/index.ts';
import type { Ref } from '../../contract/ref.ts';
import { StageCache } from '../../store/stage-cache.ts';

/** A stage whose outputs have gone, and a worker that dies at each point of making them again. */

const bucket = `stage-${process.pid}-${Date.now().toString(36)}`;
const logger = new DefaultLogger('ERROR'); // deaths here are no news
let store: Store;

beforeAll(() => {
  store = openStore({
    endpoint: process.env['AWS_ENDPOINT_URL_S3'],
    region: 'us-east-1',
    bucket,
  });
});
afterAll(() => store.bucket.close());

/** A stage of two files, which may die after so many of them. */
function stageOf(name: string, diesAfter = Infinity, within: Healed[] = []): Stage<never> {
  return {
    name: 'merge_data',
    code: 1,
    params: () => ({ name }),
    libraries: [],
    perBatch: true,
    run: async ({ put }) => {
      const outputs: Record<string, Ref> = {};
      for (const file of ['one', 'two']) {
        if (Object.keys(outputs).length === diesAfter) throw new Error('killed');
        outputs[file] = await put(`${file}/${name}`, Buffer.from(`${file} of ${name}`));
      }
      return { outputs, healed: within };
    },
  };
}

/** One try of the activity of a run. */
function attempt(
  run: string,
  stage: Stage<never>,
  over: Partial<StageCall<never>> = {},
  deps: Pick<Deps, 'store'> = { store },
): Promise<StageResult> {
  const workflowExecution = { workflowId: 'w', runId: run };
  const call = { pipeline: 'p', batch: 1, cache: 'use', damaged: [], inputs: {}, ...over };
  return new MockActivityEnvironment({ workflowExecution }, { logger }).run(() =>
    runStage(deps as Deps, stage, call as StageCall<never>),
  );
}

/** A store whose worker dies once the stage's entry is written: the answer is lost. */
function dyingAfterEntry(): Pick<Deps, 'store'> {
  const cache = new StageCache(store.bucket, store.artifacts);
  cache.enter = async (entry, options) => {
    await store.cache.enter(entry, options);
    if (entry.producer.run_id === 'second') throw new Error('killed');
    return entry;
  };
  return { store: { ...store, cache } };
}

async function made(name: string): Promise<Healed[]> {
  const { outputs } = await attempt('first', stageOf(name));
  for (const { md5 } of Object.values(outputs)) await store.bucket.delete(objectKey(md5));
  return Object.values(outputs).map(({ path, md5 }) => ({ path, md5 }));
}

describe('what was gone and is made again', () => {
  it('is told by the try that makes it', async () => {
    const gone = await made('whole');
    const again = await attempt('second', stageOf('whole'));
    expect(again).toMatchObject({ cached: false, healed: gone });
    expect(await attempt('third', stageOf('whole'))).toMatchObject({ cached: true, healed: [] });
  });

  it.each([
    [0, 'before anything is stored'],
    [1, 'halfway'],
  ])('is told by the next try where one dies after %i files (%s)', async (files) => {
    const gone = await made(`dies after ${files}`);
    const dies = attempt('second', stageOf(`dies after ${files}`, files));
    await expect(dies).rejects.toThrow('killed');
    const again = await attempt('second', stageOf(`dies after ${files}`));
    expect(again).toMatchObject({ cached: false, healed: gone });
  });

  it('is told by the next try where one dies between storing and entering', async () => {
    const gone = await made('stored');
    const dying: Stage<never> = { ...stageOf('stored') };
    const { run } = dying;
    dying.run = async (context) => {
      await run(context);
      throw new Error('killed');
    };
    await expect(attempt('second', dying)).rejects.toThrow('killed');
    expect(await attempt('second', stageOf('stored'))).toMatchObject({ healed: gone });
  });

  it('is told by the next try where one dies between entering and answering', async () => {
    const gone = await made('entered');
    const dies = attempt('second', stageOf('entered'), {}, dyingAfterEntry());
    await expect(dies).rejects.toThrow('killed');
    const again = await attempt('second', stageOf('entered'));
    expect(again).toMatchObject({ cached: false, healed: gone });
  });

  it('is told once, whether the stage or a step within it has found it', async () => {
    const gone = await made('within');
    const inner = { path: 'part', md5: 'f'.repeat(32) };
    const { healed } = await attempt('second', stageOf('within', Infinity, [inner, gone[0]!]));
    expect(healed).toEqual([...gone, inner]);
  });

  it('is not told by another run that finds it whole', async () => {
    await made('of another');
    await attempt('second', stageOf('of another'));
    const entry = await attempt('third', stageOf('of another'));
    expect(entry).toMatchObject({ cached: true, healed: [] });
  });

  it('is made anew by a forced run, however far the try before it came', async () => {
    const gone = await made('forced');
    const over = { cache: 'bypass' } as const;
    await expect(attempt('second', stageOf('forced', 1), over)).rejects.toThrow('killed');
    const again = await attempt('second', stageOf('forced'), over);
    expect(again).toMatchObject({ cached: false, healed: gone });
  });
});
