import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import type { Classes } from '../../pipeline/models/estimator.ts';
import { estimatorOf } from '../../pipeline/models/estimators.ts';
import { unique } from '../support/project.ts';
import { output, withProject } from '../support/with-project.ts';

/** Every type of model through the real stack, and in Python by MLflow. */

const PIPELINE = unique('types');
const IRIS = fileURLToPath(new URL('../../sources/datasets/iris.csv', import.meta.url));
const PREDICT = `
import json, sys
import mlflow, pandas as pd
data = pd.read_csv(sys.argv[2])
print(json.dumps(list(mlflow.pyfunc.load_model(sys.argv[1]).predict(data.drop(columns=["species"])))))
`;

const documents = new Map<string, ResultDocument>();

const project = withProject('model-types');
const { store } = project;

const lines = readFileSync(IRIS, 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','));

describe.each([
  ['decision_tree', { leaves: 4 }, 0.8],
  ['ml_cart', { leaves: 4 }, 0.8],
  ['baseline', {}, 0.3],
])('model.type=%s', (type, facts, accuracy) => {
  it('runs a batch, whose record says what the model is and that ml-cart scored it', async () => {
    const set = ['--pipeline', PIPELINE, '--set', `model.type=${type}`];
    const document = await project.runJson('1', '--publish', ...set);
    documents.set(type, document);
    expect(document).toMatchObject({ status: 'completed', params: { model: { type } } });
    expect(document.metrics!['accuracy']).toBeGreaterThanOrEqual(accuracy);
    const { stages } = await store.records.latest(PIPELINE, 1);
    const factsOf = (name: string) => stages.find(({ stage }) => stage === name)!.facts;
    expect(Object.keys(factsOf('train')).toSorted()).toEqual(
      ['rows', ...('leaves' in facts ? ['depth', 'leaves'] : [])].toSorted(),
    );
    expect(factsOf('evaluate')).toMatchObject({ scored_by: 'ml-cart' });
  });

  it('is served by MLflow in Python as it predicts here', async () => {
    const record = await store.records.latest(PIPELINE, 1);
    const bytes = await store.artifacts.get(output(record, 'train', 'model'));
    const encoder = JSON.parse(
      Buffer.from(await store.artifacts.get(output(record, 'train', 'encoder'))).toString(),
    ) as { classes: string[] };
    const stored = { size: bytes.length, read: () => [bytes] };
    const model = estimatorOf({ type }).load(stored, 'classification', 'the model');
    const columns = [0, 1, 2, 3].map((c) => Float64Array.from(lines, (cells) => Number(cells[c])));
    const { classes } = model.predict({ rows: lines.length, columns }) as Classes;
    const python = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'python');
    const { modelVersion } = documents.get(type)!.mlflow!;
    const env = { ...process.env, ...project.env, PYTHONWARNINGS: 'ignore' };
    const args = ['-c', PREDICT, `models:/${PIPELINE}/${modelVersion}`, IRIS];
    const printed = execFileSync(python, args, { encoding: 'utf8', env });
    expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toEqual(
      Array.from(classes, (index) => encoder.classes[index]),
    );
  });
});

describe('types of models', () => {
  it('share every stage before training, and each has its own model', () => {
    const [tree, , baseline] = [...documents.values()];
    expect(baseline!.stages.map(({ cached }) => cached)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(baseline!.mlflow!.runId).not.toBe(tree!.mlflow!.runId);
  });

  it('have their own hyperparameters, and a typing error is refused', async () => {
    const set = ['--set', 'model.type=baseline', '--set', 'model.max_depth=2'];
    const ran = await project.client('run', '1', '--pipeline', PIPELINE, ...set);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(
      'model.max_depth is not a known key: a model of type baseline has no hyperparameters',
    );
    const unknown = await project.client('run', '1', '--set', 'model.type=forest');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('expected decision_tree, ml_cart or baseline');
  });
});
