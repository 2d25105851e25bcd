import { beforeAll, describe, expect, it } from 'vitest';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import { relayTo } from './relay.ts';
import { ask, fresh, modelsOf, runOf, small, twice, uri, versionsOf } from './server.ts';

const tracker = createMlflowTracker({ uri });

let experimentId = '';
const newRun = () =>
  tracker.createRun({ experimentId, name: 'batch-3', startedAt: 1_000, tags: {} });

beforeAll(async () => {
  experimentId = await tracker.ensureExperiment(fresh('models'));
});

describe('models', () => {
  it('are one of a name in a run', async () => {
    const runId = await newRun();
    const [first, second] = await twice(() => tracker.logModel(runId, small));
    expect(second).toBe(first);
    expect(first).toMatch(/^m-[0-9a-f]{32}$/);
    expect(await modelsOf(experimentId, runId)).toEqual([
      expect.objectContaining({
        info: expect.objectContaining({
          model_id: first,
          name: 'tree',
          status: 'LOGGED_MODEL_READY',
        }) as unknown,
      }),
    ]);
    expect((await runOf(runId)).outputs?.model_outputs).toEqual([{ model_id: first, step: 3 }]);
    const file = `${uri}/api/2.0/mlflow-artifacts/artifacts/${experimentId}/models/${first}/artifacts/a/b%20c.txt`;
    expect(await (await fetch(file)).text()).toBe(first);
  });

  it('half stored are finished, wherever the first attempt stopped', async () => {
    for (const stopAt of ['PUT', 'PATCH']) {
      const runId = await newRun();
      const relay = await relayTo(uri, { fails: ({ method }) => method === stopAt });
      const failing = createMlflowTracker({ uri: relay.uri });
      await expect(failing.logModel(runId, small)).rejects.toThrow(/failed at/);
      relay.close();
      const modelId = await tracker.logModel(runId, small);
      expect(await modelsOf(experimentId, runId)).toHaveLength(1);
      expect((await runOf(runId)).outputs?.model_outputs).toEqual([{ model_id: modelId, step: 3 }]);
    }
  });

  it('get one version a run, under an alias that moves', async () => {
    const name = fresh('iris');
    const register = async () => {
      const runId = await newRun();
      const modelId = await tracker.logModel(runId, small);
      const wanted = { name, modelId, runId, tags: { batch: '3' } };
      const [version, again] = await twice(() =>
        tracker.registerModel({ ...wanted, modelDescription: '**all** of it' }),
      );
      await tracker.setAlias({ name, alias: 'batch-3', version: version! });
      return [version, again];
    };
    expect(await register()).toEqual(['1', '1']);
    expect(await register()).toEqual(['2', '2']);
    await twice(() =>
      tracker.describeVersion({ name, version: '2', description: 'of batches 1–3' }),
    );
    const query = new URLSearchParams({ name, alias: 'batch-3' }).toString();
    const answer = await ask('GET', `registered-models/alias?${query}`);
    expect(answer['model_version']).toMatchObject({
      version: '2',
      description: 'of batches 1–3',
      tags: [{ key: 'batch', value: '3' }],
    });
    expect(await tracker.setAlias({ name, alias: 'batch-3', version: '9' })).toBe(false);
    const named = new URLSearchParams({ name }).toString();
    const model = await ask('GET', `registered-models/get?${named}`);
    expect(model['registered_model']).toMatchObject({ description: '**all** of it' });
  });

  it('stay one when two attempts run at once', async () => {
    const name = fresh('race');
    const runId = await newRun();
    const attempt = async () => {
      const modelId = await tracker.logModel(runId, small);
      const wanted = { name, modelId, runId };
      return [modelId, await tracker.registerModel(wanted)] as const;
    };
    const results = await Promise.allSettled([attempt(), attempt(), attempt()]);
    const last = await attempt();
    const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(done).toEqual(done.map(() => last));
    expect(await modelsOf(experimentId, runId)).toHaveLength(1);
    expect(await versionsOf(name)).toHaveLength(1);
  });

  it('are one where an attempt is given up while it creates its own, and another was first', async () => {
    const runId = await newRun();
    const gone = new AbortController();
    let first: Promise<string> | undefined;
    const relay = await relayTo(uri, {
      answered: async ({ url }) => {
        if (url?.endsWith('logged-models/search') === true)
          await (first ??= tracker.logModel(runId, small));
        if (url?.endsWith('/logged-models') === true) gone.abort();
      },
    });
    const late = createMlflowTracker({ uri: relay.uri }).withSignal(gone.signal);
    await expect(late.logModel(runId, small)).rejects.toThrow('aborted');
    relay.close();
    expect(gone.signal.aborted).toBe(true);
    expect(await modelsOf(experimentId, runId)).toMatchObject([
      { info: { model_id: await first, status: 'LOGGED_MODEL_READY' } },
    ]);
  });

  it('have one version where an attempt is given up while it registers, and another was first', async () => {
    const name = fresh('given-up');
    const runId = await newRun();
    const modelId = await tracker.logModel(runId, small);
    const wanted = { name, modelId, runId, tags: { 'retrain.attempt': 'a' } };
    const gone = new AbortController();
    let first: Promise<string | null> | undefined;
    const relay = await relayTo(uri, {
      answered: async ({ url }) => {
        if (url?.includes('model-versions/search') === true)
          await (first ??= tracker.registerModel(wanted));
        if (url?.endsWith('model-versions/create') === true) gone.abort();
      },
    });
    const late = createMlflowTracker({ uri: relay.uri }).withSignal(gone.signal);
    await late.registerModel(wanted).catch(() => undefined);
    relay.close();
    expect(await first).toBe('1');
    expect(await versionsOf(name)).toMatchObject([{ version: '1' }]);
  });

  it('lose what a killed attempt has registered again, and keep what a person has', async () => {
    const name = fresh('again');
    const runId = await newRun();
    const modelId = await tracker.logModel(runId, small);
    const wanted = { name, modelId, runId, tags: { 'retrain.attempt': 'a' } };
    const [first] = await twice(() => tracker.registerModel(wanted));
    const same = { name, source: `models:/${modelId}`, run_id: runId, model_id: modelId };
    const tagged = { ...same, tags: [{ key: 'retrain.attempt', value: 'a' }] };
    for (const body of [tagged, same]) await ask('POST', 'model-versions/create', body);
    expect(await twice(() => tracker.registerModel(wanted))).toEqual([first, first]);
    expect(await versionsOf(name)).toMatchObject([{ version: '1' }, { version: '3' }]);
  });
});
