import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Compute } from '../../compute/pool.ts';
import { localFiles } from '../../compute/local-files.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { writeOnnx } from '../../pipeline/predictions/onnx.ts';
import { storeIn } from '../../store/index.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { openAttempt } from '../../tracking/tracked-run/attempt.ts';
import { logTraining } from '../../tracking/tracked-run/log-training.ts';
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
async function log(compute: Compute): Promise<{ model: string; tags: string }> {
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
