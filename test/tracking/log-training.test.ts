import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Compute } from '../../compute/pool.ts';
import { localFiles } from '../../compute/local-files.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { writeOnnx } from '../../pipeline/predictions/onnx.ts';
import { sha256 } from '../../store/hash.ts';
import { storeIn } from '../../store/index.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { openAttempt } from '../../tracking/tracked-run/attempt.ts';
import {
  logTraining,
  pointAtLatest,
  type FittedFile,
} from '../../tracking/tracked-run/log-training.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { draftRecord } from '../store/made-records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { irisModel } from './models.ts';
import { makeExecution } from './made-execution.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log training '));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const execution = makeExecution('train');

/** Logs Iris's model to a directory. Returns the folders of the model's files and of the run's tags. */
async function log(
  compute: Compute,
  fitted?: FittedFile,
): Promise<{ model: string; tags: string }> {
  const store = storeIn(new MemoryBucket());
  const { tree, encoder } = irisModel();
  const put = (path: string, json: object) =>
    store.artifacts.put(path, Buffer.from(JSON.stringify(json)));
  const deps = {
    store,
    compute,
    tracker: createFilesTracker({ path: join(folder, 'runs') }),
    experimentName: 'e',
    modelName: 'iris',
    scratch: folder,
    gitCommit: undefined,
    temporal: { webUi: 'http://localhost:8233/', namespace: 'default' },
  };
  const of = { pipeline: 'iris', batch: 1, attempt: 'a' };
  const outputs = { model: await put('model.json', tree), encoder: await put('e.json', encoder) };
  const run = await openAttempt(deps, of, execution, { name: 'iris-v1', tags: {} });
  const logged = await logTraining(deps, run, {
    request: {
      ...of,
      params: paramsOf({ data: { source: 'iris.csv', target: 'species' } }, {}),
      inputs: { train: outputs.model },
    },
    result: { key: 'k', outputs, facts: { rows: 150 } },
    execution,
    sourceName: 'iris.csv',
    fitted,
    register: false,
  });
  const experiment = join(folder, 'runs', logged.experiment_id);
  return {
    model: join(experiment, 'models', logged.model_id!, 'artifacts'),
    tags: join(experiment, logged.run_id, 'tags'),
  };
}

it('a logged model has an ONNX file, and says so as the flavor of MLflow', async () => {
  const { model, tags } = await log(async (_, input) => {
    const reason = await writeOnnx(input as never, undefined, { files: localFiles });
    return reason as never;
  });
  expect(readFileSync(join(model, 'model.onnx')).includes('TreeEnsemble')).toBe(true);
  const { flavors } = parse(readFileSync(join(model, 'MLmodel'), 'utf8')) as { flavors: object };
  expect(flavors).toMatchObject({ onnx: { data: 'model.onnx', onnx_version: '1.16.0' } });
  expect(readdirSync(tags)).not.toContain('retrain.no_onnx');
});

it('a model without an ONNX file is logged, and a tag of its run says why there is none', async () => {
  const { model, tags } = await log(async () => 'the model has 99 MB' as never);
  expect(existsSync(join(model, 'model.json'))).toBe(true);
  expect(existsSync(join(model, 'model.onnx'))).toBe(false);
  expect(readFileSync(join(model, 'MLmodel'), 'utf8')).not.toContain('onnx');
  expect(readFileSync(join(tags, 'retrain.no_onnx'), 'utf8')).toBe('the model has 99 MB');
});

it('the stored model is logged where another one was fitted on this machine', async () => {
  const file = join(folder, 'fitted.json');
  writeFileSync(file, '{"another": "model"}');
  const fitted = { file, sha256: sha256('{"another": "model"}') };
  const { model } = await log(async () => 'none' as never, fitted);
  const { tree } = irisModel();
  expect(readFileSync(join(model, 'model.json'), 'utf8')).toBe(JSON.stringify(tree));
});

it('the alias of a batch follows a build that becomes the latest while the alias is set', async () => {
  const store = storeIn(new MemoryBucket());
  const uri = 'http://mlflow';
  /** Publishes a build whose model is registered under this version. */
  const publish = async (version: string): Promise<void> => {
    await store.records.publish(draftRecord({ build: version, attempt: version }));
    await store.attempts.swap('p', version, () => ({
      schema: 1,
      pipeline: 'p',
      batch: 1,
      attempt: version,
      claimed_at: 0,
      owner: 'o',
      owned_at: 0,
      tracking_uri: uri,
      experiment_id: '1',
      run_id: `run ${version}`,
      model_id: 'm',
      model_name: 'model p',
      model_version: version,
      logged: {},
      scored_at: {},
    }));
  };
  const set: string[] = [];
  const tracker = {
    place: () => uri,
    setAlias: async ({ alias, version }: { alias: string; version: string }) => {
      if (set.length === 0) await publish('20');
      set.push(`${alias} ${version}`);
      return true;
    },
  } as unknown as Tracker;
  await publish('10');
  await pointAtLatest({ store, tracker, experimentName: 'e' }, 'p', 1);
  expect(set).toEqual(['batch-1 10', 'batch-1 20']);
});
