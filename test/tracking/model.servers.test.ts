import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import { modelFiles } from '../../tracking/model.ts';
import { type Cell, irisModel, mixedModel, type TestModel } from './models.ts';
import { fresh, fromStack, uri } from './server.ts';

const python = `${fromStack('RETRAIN_TEST_STACK_VENV')}/bin/python`;
const tracker = createMlflowTracker({ uri });
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'trees-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MISSING = ['', ' NA ', '?', '-999'];

/** What anyone does with the model, having MLflow and pandas: load, predict from a CSV's columns. */
const PREDICT = `
import io, json, sys
import mlflow, pandas as pd
model_uri, csv, how = sys.argv[1:]
# As pandas reads it, or with each cell as its text, as a request may send it.
as_text = {"dtype": str, "keep_default_na": False} if how == "text" else {}
data = pd.read_csv(io.StringIO(csv), **as_text)
model = mlflow.pyfunc.load_model(model_uri)
print(json.dumps({
    "predictions": list(model.predict(data)),
    "model_id": model.metadata.model_id,
    "run_id": model.metadata.run_id,
    "inputs": model.metadata.signature.inputs.input_names(),
}))
`;

/** Stores a model as a batch does; returns its ids and what real MLflow makes of it. */
async function store(model: TestModel) {
  const experimentId = await tracker.ensureExperiment(fresh('pyfunc'));
  const runId = await tracker.createRun({ experimentId, name: 'x', startedAt: 0, tags: {} });
  const treeFile = join(folder, `${runId}.json`);
  writeFileSync(treeFile, JSON.stringify(model.tree));
  const modelId = await tracker.logModel(runId, {
    name: 'tree',
    files: (identity) =>
      modelFiles({
        model: { file: treeFile },
        encoder: Buffer.from(JSON.stringify(model.encoder)),
        cells: { missing: MISSING },
        createdAt: 0,
        ...identity,
      }),
  });
  const name = fresh('model');
  const version = await tracker.registerModel({ name, modelId, runId });
  await tracker.setAlias({ name, alias: 'batch-1', version: version! });
  return { runId, modelId, name };
}

async function predict(
  modelUri: string,
  model: Pick<TestModel, 'columns' | 'rows'>,
  how: 'read' | 'text' = 'read',
): Promise<object> {
  const cell = (value: Cell) => (value === null ? '' : String(value));
  const csv = [model.columns, ...model.rows].map((row) => row.map(cell).join(',')).join('\n');
  const { stdout } = await run(python, ['-c', PREDICT, modelUri, `${csv}\n`, how], {
    env: { ...process.env, MLFLOW_TRACKING_URI: uri, PYTHONWARNINGS: 'ignore' },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as object;
}

describe('a stored model, loaded by MLflow in Python', () => {
  it('by its id predicts Iris as ml-cart does', async () => {
    const iris = irisModel();
    const { modelId, runId } = await store(iris);
    expect(await predict(`models:/${modelId}`, iris)).toEqual({
      predictions: iris.predictions,
      model_id: modelId,
      run_id: runId,
      inputs: iris.columns,
    });
  });

  it('by its alias encodes words, and values missing or never seen', async () => {
    const mixed = mixedModel();
    const { name } = await store(mixed);
    expect(await predict(`models:/${name}@batch-1`, mixed)).toMatchObject({
      predictions: mixed.predictions,
    });
    expect(mixed.predictions).toEqual(['<=50K', '>50K', '>50K', '<=50K', '>50K', '<=50K']);
  });

  it('knows the words for "not known" that it was trained with, and white space around cells', async () => {
    const mixed = mixedModel();
    const { modelId } = await store(mixed);
    const rows = [
      [' 1', 'red ', '1'],
      ['2.0', ' käse', ' 2'],
      ['-999', '?', '2'],
      ['4', ' NA', '1'],
      ['5', 'never seen', '?'],
      ['6', 'red', '1'],
    ];
    for (const how of ['read', 'text'] as const)
      expect(await predict(`models:/${modelId}`, { ...mixed, rows }, how)).toMatchObject({
        predictions: mixed.predictions,
      });
  });
});
