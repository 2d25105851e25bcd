import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ResultDocument } from '../../client/result.ts';
import { partFromArrow } from '../../pipeline/features/part.ts';
import { makeDvcFolder, type DvcFolder } from '../support/dvc.ts';
import { unique, succeed } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Batches of a target of numbers, scikit-learn's diabetes, through the real stack. */

const { DecisionTreeRegression } = createRequire(import.meta.url)('ml-cart') as {
  DecisionTreeRegression: { load: (model: unknown) => { predict: (rows: number[][]) => number[] } };
};
const PIPELINE = unique('diabetes');

let repo: DvcFolder;
let second: ResultDocument;

const file = new URL('../pipeline/fixtures/trees/diabetes.json', import.meta.url);
const { columns, targets } = JSON.parse(readFileSync(file, 'utf8')) as {
  columns: number[][];
  targets: number[];
};
const names = columns.map((_, i) => `x${i}`);

const project = withProject('regression', {
  prepare: async ({ client, write }) => {
    const rows = targets.map((target, row) => [...columns.map((column) => column[row]), target]);
    write('diabetes.csv', `${[...names, 'progress'].join(',')}\n${rows.join('\n')}\n`);
    const data = { source: './diabetes.csv', target: 'progress', batch_size: 200 };
    const model = { task: 'regression', max_depth: 4 };
    write('params.yaml', stringify({ pipeline: PIPELINE, data, model }));
    await succeed(client('search-attributes', 'register'));
  },
});
const { store, temporal } = project;

beforeAll(async () => {
  repo = makeDvcFolder('regression', project.env);
  await project.runJson('1');
  second = await project.runJson('2');
});

afterAll(() => repo?.remove());

const outputOf = (document: ResultDocument, path: RegExp) =>
  document.stages.flatMap(({ outputs }) => outputs).find((ref) => path.test(ref.path))!;

/** The encoded test rows of a version: its features by column, and what is to be predicted. */
type Row = Record<string, number>;

async function testRows(document: ResultDocument) {
  const refs = await store.artifacts.list(outputOf(document, /processed\/test\/$/));
  const parts = await Promise.all(
    refs.map(async (ref) => partFromArrow(await store.artifacts.get(ref))),
  );
  return parts.map(({ table }) =>
    table.objects().map((row) => table.columnNames().map((name) => (row as Row)[name]!)),
  );
}

describe('a regression', () => {
  it('is scored as scikit-learn scores the logged model, on all test rows and on the new batch alone', async () => {
    const batches = await testRows(second);
    const uri = project.env['MLFLOW_TRACKING_URI']!;
    const python = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'python');
    const script = fileURLToPath(new URL('score_model.py', import.meta.url));
    const fileOf = (name: string, rows: number[][]): string =>
      project.write(name, `${[[...names, 'progress'], ...rows].join('\n')}\n`);
    const model = `models:/${PIPELINE}@batch-2`;
    const files = [fileOf('all.csv', batches.flat()), fileOf('new.csv', batches[1]!)];
    const args = [script, uri, model, 'progress', ...files];
    const env = { ...process.env, MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false' };
    const scored = JSON.parse(execFileSync(python, args, { encoding: 'utf8', env })) as object[];
    const near = (scores: object): object =>
      Object.fromEntries(
        Object.entries(scores).map(([name, value]) => [name, expect.closeTo(value as number, 9)]),
      );
    expect(second.metrics).toMatchObject(near(scored[0]!));
    expect(second.metrics!['new_batch']).toMatchObject(near(scored[1]!));
    expect(second.confusionMatrix).toBeNull();
    const { rmse, rmse_low: low, rmse_high: high } = second.metrics as Record<string, number>;
    expect(low! < rmse! && rmse! < high!).toBe(true);
  });

  it('leaves a model that ml-cart loads, and a report that draws what it predicts', async () => {
    const json = await store.artifacts.get(outputOf(second, /model\.json$/));
    const tree = DecisionTreeRegression.load(JSON.parse(Buffer.from(json).toString()));
    const rows = (await testRows(second)).flat();
    const errors = tree
      .predict(rows.map((row) => row.slice(0, -1)))
      .map((predicted, row) => predicted - rows[row]!.at(-1)!);
    const mean = errors.reduce((sum, error) => sum + error * error, 0) / errors.length;
    expect(second.metrics!['rmse']).toBeCloseTo(Math.sqrt(mean), 9);
    const report = await store.artifacts.get(outputOf(second, /\.html$/));
    expect(Buffer.from(report).toString()).toContain('Predicted against actual');
  });

  it('is shown with the scores of numbers: in the ledger, Temporal, list, status and diff', async () => {
    const ledger = await store.ledgers.read(PIPELINE);
    expect(ledger!.settings.columns.at(-1)).toEqual({ name: 'progress', type: 'number' });
    const { searchAttributes } = await temporal.workflow.getHandle(second.workflowId).describe();
    expect(searchAttributes['RetrainBatch']).toEqual([2]);
    expect(searchAttributes).not.toHaveProperty('RetrainAccuracy');
    const [list, status, diff] = await Promise.all(
      [['list'], ['status', '2'], ['diff', '1', '2']].map((args) =>
        succeed(project.client(...args)),
      ),
    );
    expect(list!.stdout).toMatch(
      /^version +champion +rmse +mae +r2 +new batch +change on the same rows +train/m,
    );
    const rmse = (second.metrics!['rmse'] as number).toFixed(4);
    expect(list!.stdout).toContain(rmse);
    expect(status!.stdout).toMatch(new RegExp(`^rmse +${rmse}$`, 'm'));
    const [own, same] = diff!.stdout.split(/^on the \d+ test rows of 2\.1/m);
    expect(own).toMatch(/^rmse +[\d.]+ +[\d.]+ +[+−][\d.]+$/m);
    const verdict = second.comparisons[0]!.facts['rmse_change'] as string;
    const score = '[\\d.]+ +[\\d.]+ to [\\d.]+';
    expect(same).toMatch(new RegExp(`^rmse +${score} +${score} +[+−][\\d.]+ +${verdict}$`, 'm'));
    expect(diff!.stdout).toMatch(/^feature importance/m);
    const run = await fetch(
      `${project.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/get?run_id=${second.mlflow!.runId}`,
    );
    const { data } = ((await run.json()) as { run: { data: Record<string, object[]> } }).run;
    expect(data['metrics']).toContainEqual(
      expect.objectContaining({ key: 'rmse', value: second.metrics!['rmse'] }),
    );
    expect(data['params']).toContainEqual({ key: 'model.task', value: 'regression' });
  });

  it('is the same bytes when it is run again', async () => {
    const again = await project.runJson('2', '--force');
    expect(outputOf(again, /model\.json$/).sha256).toBe(outputOf(second, /model\.json$/).sha256);
    expect(outputOf(again, /\.html$/).sha256).toBe(outputOf(second, /\.html$/).sha256);
  });

  it('goes to DVC with its metrics, params and plot', async () => {
    mkdirSync(dirname(repo.folder), { recursive: true });
    await succeed(project.client('dvc', 'export', '2', '--out', repo.folder));
    await succeed(repo.dvc('pull'));
    expect(await repo.dvcJson('status')).toEqual({});
    const shown = await repo.dvcJson<object>('metrics', 'show');
    expect(shown).toMatchObject({
      '': { data: { 'metrics.json': { data: { rmse: second.metrics!['rmse'] } } } },
    });
    await succeed(repo.dvc('plots', 'show', '--out', 'plots.html'));
    const html = readFileSync(join(repo.folder, 'plots.html', 'index.html'), 'utf8');
    expect(html).toContain('Predicted against actual');
    expect(readFileSync(join(repo.folder, 'dvc.lock'), 'utf8')).toContain('task: regression');
  });

  it('is frozen with the first batch, and wants a target of numbers', async () => {
    const other = await project.client('run', '3', '--set', 'model.task=classification');
    expect(other.stderr).toContain('model.task is frozen at "regression"');
    project.write('words.csv', 'x,progress\n1,2\n3,low\n');
    const asked = [
      'run',
      '1',
      '--pipeline',
      `${PIPELINE}-words`,
      '--set',
      'data.source=./words.csv',
    ];
    const words = await project.client(...asked);
    expect(words.stderr).toContain('row 2 (line 3), column "progress": "low" is not a number');
    expect([other.code, words.code]).toEqual([2, 1]);
  });
});
