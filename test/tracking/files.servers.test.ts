import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { modelFiles } from '../../tracking/model.ts';
import { irisModel } from './models.ts';
import { fromStack } from './server.ts';

/** What stock MLflow makes of a directory written without it, and of a database it was migrated to. */

const run = promisify(execFile);
const python = `${fromStack('RETRAIN_TEST_STACK_VENV')}/bin/python`;
const reader = fileURLToPath(new URL('./read_directory.py', import.meta.url));
const env = { ...process.env, MLFLOW_ALLOW_FILE_STORE: 'true', PYTHONWARNINGS: 'ignore' };

const iris = irisModel();
let home: string;
let experimentId: string;
let runId: string;
let modelId: string;
let rows: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "some one's home "));
  rows = join(home, 'rows.csv');
  writeFileSync(rows, [iris.columns, ...iris.rows].map((row) => row.join(',')).join('\n'));
  const tracker = createFilesTracker({ path: join(home, 'mlruns') });
  experimentId = await tracker.ensureExperiment('incremental "training" ü');
  const tags = { attempt: 'a', 'retrain.batch': '3' };
  const newRun = { experimentId, name: 'batch_3', startedAt: 1_000, tags };
  runId = await tracker.createRun(newRun);
  // Not to be found: deleted, or of another experiment.
  await tracker.deleteRun(await tracker.createRun(newRun));
  const other = await tracker.ensureExperiment('other');
  await tracker.createRun({ ...newRun, experimentId: other });
  await tracker.logParams(runId, { depth: 5, 'data.columns': '{"a": [1]}', none: null, empty: '' });
  const treeFile = join(home, 'tree.json');
  writeFileSync(treeFile, JSON.stringify(iris.tree));
  modelId = await tracker.logModel(runId, {
    name: 'model',
    step: 3,
    params: { max_depth: 5 },
    tags: { 'retrain.batch': '3' },
    files: (identity) =>
      modelFiles({
        ...identity,
        model: { file: treeFile },
        encoder: Buffer.from(JSON.stringify(iris.encoder)),
        cells: { missing: [''] },
        createdAt: 0,
      }),
  });
  const train = {
    name: 'iris-train',
    digest: '0123',
    sourceType: 's3',
    source: '{"uri": "s3://b/k"}',
  };
  const test = { ...train, name: 'iris-test', digest: '4567' };
  await tracker.logMetrics(runId, { train_rows: 120 }, { step: 3, timestamp: 1_000 });
  const scored = { step: 3, timestamp: 2_000, modelId, dataset: test };
  await tracker.logMetrics(runId, { accuracy: 0.9, 'recall/<=50K': 1e-7, worst: Infinity }, scored);
  await tracker.logMetrics(runId, { accuracy: 0.95 }, { ...scored, step: 4, timestamp: 3_000 });
  await tracker.logInputs(runId, [{ ...train, context: 'training' }]);
  await tracker.logInputs(runId, [{ ...test, context: 'testing' }], modelId);
  await tracker.logArtifact(runId, 'metrics/batch 3.json', Buffer.from('{"ä": 1}'));
  await tracker.finishRun(runId, 'FINISHED', 5_000);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** In one process: most of what it takes is Python's imports. */
async function readAll(): Promise<Record<'directory' | 'database', unknown>> {
  const args = [reader, home, 'incremental "training" ü', runId, modelId, rows];
  const { stdout } = await run(python, args, { env, cwd: home });
  expect(stdout).toContain('Migration completed successfully!');
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<'directory' | 'database', unknown>;
}

const expected = (worst: string) => ({
  info: ['batch_3', 'FINISHED', 1_000, 5_000],
  params: { depth: '5', 'data.columns': '{"a": [1]}', none: 'null', empty: '' },
  tags: { attempt: 'a', 'retrain.batch': '3', 'mlflow.runName': 'batch_3' },
  metrics: {
    accuracy: [
      [2_000, '0.9', 3],
      [3_000, '0.95', 4],
    ],
    'recall/__50K': [[2_000, '1e-07', 3]],
    train_rows: [[1_000, '120.0', 3]],
    worst: [[2_000, worst, 3]],
  },
  datasets: [
    ['iris-test', '4567', '{"uri": "s3://b/k"}', 'testing'],
    ['iris-train', '0123', '{"uri": "s3://b/k"}', 'training'],
  ],
  model_inputs: [modelId],
  model_outputs: [[modelId, 3]],
  found: [runId],
  models: [modelId],
  model: ['model', 'READY', runId, { max_depth: '5' }, { 'retrain.batch': '3' }],
  scores: expect.arrayContaining([
    ['accuracy', '0.95', 4, 'iris-test', '4567'],
    ['recall/__50K', '1e-07', 3, 'iris-test', '4567'],
  ]) as unknown,
  artifacts: ['metrics/batch 3.json'],
  text: '{"ä": 1}',
  by_model: iris.predictions,
  by_run: iris.predictions,
});

describe('stock MLflow', () => {
  it('reads runs, steps, data sets, models and files of a directory, and of the database it migrates to', async () => {
    const { directory, database } = await readAll();
    expect(directory).toEqual(expected('inf'));
    // MLflow's own: a database holds the largest number instead.
    expect(database).toEqual(expected('1.7976931348623157e+308'));
  });
});
