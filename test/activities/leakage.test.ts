import { afterEach, describe, expect, it } from 'vitest';
import { findStage, type Comparison } from '../../contract/stages.ts';
import { applyEncoder } from '../../pipeline/features/matrix.ts';
import { dropRows, partFromArrow } from '../../pipeline/features/part.ts';
import { openModel } from '../../pipeline/models/estimators.ts';
import { encoderFromJson } from '../../pipeline/features/encoder.ts';
import { scoreModel } from '../../pipeline/scoring/score-model.ts';
import { checkTestRows } from '../pipeline/support.ts';
import { memoryFiles } from '../pipeline/files.ts';
import { makeChampion } from '../support/promotions.ts';
import { makeEvaluateRequest, openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

/** Rows that a model was trained on, by the real activities on a bucket in memory. */

let runs: WholeRuns;
afterEach(() => runs.close());

const read = async (version: number, pipeline = 'iris') =>
  (await runs.store.records.findLatest(pipeline, version)).record;

async function readComparison(version: number, pipeline?: string): Promise<Comparison> {
  return (await read(version, pipeline)).comparisons[0]!;
}

/** The stored parts of one side. */
async function readParts(version: number, side: 'train' | 'test'): Promise<Uint8Array[]> {
  const directory = findStage((await read(version)).stages, 'preprocess')!.outputs[side]!;
  const parts = await runs.store.artifacts.list(directory);
  return Promise.all(parts.map((part) => runs.store.artifacts.get(part)));
}

describe('evaluate', () => {
  it('records how many train rows it has compared the test rows with', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const { stages, comparisons } = await read(2);
    const { train_rows } = findStage(stages, 'preprocess')!.facts;
    expect(findStage(stages, 'evaluate')!.facts.train_rows_checked).toBe(train_rows);
    const first = findStage((await read(1)).stages, 'preprocess')!.facts;
    expect(comparisons[0]!.facts['train_rows_checked']).toBe(first.train_rows);
  });

  it('refuses a test row that the model was trained on, and names it', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const request = makeEvaluateRequest(await read(1));
    const { train, test } = request.inputs;
    const swapped = { ...request, inputs: { ...request.inputs, train: test } };
    await expect(runs.play('evaluate', swapped)).rejects.toMatchObject({
      name: 'LeakedRows',
      message: expect.stringMatching(
        /^(\d+) of the \1 test rows of version 1 are equal to rows that its model was trained on, the first is row 1 of data\/processed\/test\/part_\d+\.arrow/,
      ) as string,
    });
    expect(
      (await runs.play('evaluate', { ...request, inputs: { ...request.inputs, train } })).cached,
    ).toBe(true);
  });
});

describe('a model that was trained on other rows', () => {
  it('is scored on the whole new batch before a model is trained on it', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const { facts } = await readComparison(2);
    const { outputs } = findStage((await read(1)).stages, 'train')!;
    const [model, encoder] = [
      await runs.store.artifacts.get(outputs.model!),
      await runs.store.artifacts.get(outputs.encoder!),
    ];
    const files = memoryFiles();
    files.append('model', model);
    const opened = openModel({ type: 'decision_tree', model: 'model', encoder }, files);
    const rows = [(await readParts(2, 'train')).at(-1)!, (await readParts(2, 'test')).at(-1)!];
    const known = checkTestRows(rows, await readParts(1, 'train'), encoder).trained;
    const matrices = rows.map((bytes, i) =>
      applyEncoder(encoderFromJson(encoder), dropRows(partFromArrow(bytes), known[i]!)),
    );
    const scored = matrices.map((matrix) => scoreModel(opened.model, matrix, opened.encoder)!);
    const right = scored.reduce((sum, one) => sum + one.numbers['accuracy']! * one.rows, 0);
    const count = scored.reduce((sum, one) => sum + one.rows, 0);
    expect(facts['prequential_accuracy']).toBeCloseTo(right / count, 12);
    expect(facts['prequential_rows']).toBe(count);
    expect(count + Number(facts['prequential_left_out'] ?? 0)).toBe(50);
    expect(facts['prequential_accuracy_low']).toBeLessThan(right / count);
    expect(facts['new_batch_rows']).toBe(scored[1]!.rows);
  });

  it('has no such scores where it was trained on the new batch', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await runs.run(1, { params: { model: { max_depth: 1 } } });
    const { comparisons } = (await runs.store.records.read('iris', 1, 2))!;
    expect(comparisons[0]!.facts).not.toHaveProperty('prequential_rows');
  });

  it('is compared on the rows that are test rows for both, where another share was held out, also by the gate', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await makeChampion(runs.store, 'iris', { version: 1, seq: 1 });
    await runs.run(2, { params: { split: { test_size: 0.6 } }, publish: true });
    const { facts } = await readComparison(2);
    const { metrics, stages } = await read(2);
    expect(findStage(stages, 'gate')!.facts).toMatchObject({ champion: '1.1', rows: facts.rows });
    expect(facts['left_out']).toBeGreaterThan(5);
    expect(Number(facts['rows']) + Number(facts['left_out'])).toBe(metrics['test_rows']);
    expect(facts['own_accuracy']).toBeGreaterThan(0);
    await runs.run(3);
    // A smaller share moves rows the other way only: the other model has trained on none of these.
    expect((await readComparison(3)).facts).not.toHaveProperty('left_out');
  });
});

const lines = (rows: string[][]): string =>
  `id,colour,y\n${rows.map((row) => row.join()).join('\n')}\n`;

describe('rows that are equal in all features', () => {
  it('are scored and counted where split.key is no feature: they are about different things', async () => {
    runs = openWholeRuns();
    const rows = Array.from({ length: 60 }, (_, i) => [
      `c${i}`,
      i % 2 === 0 ? 'red' : 'blue',
      String(i % 2),
    ]);
    runs.write('in/1.csv', lines(rows));
    runs.write('in/2.csv', lines(rows.map(([id, ...rest]) => [`d${id}`, ...rest])));
    const params = {
      data: { source: './in/', target: 'y', columns: { id: 'ignore', y: 'category' } },
      split: { key: ['id'] },
    };
    for (const batch of [1, 2]) await runs.run(batch, { pipeline: 'keyed', params });
    const { stages, metrics, comparisons } = await read(2, 'keyed');
    const { facts, warnings } = findStage(stages, 'evaluate')!;
    expect(facts).toMatchObject({ equal_rows: metrics['test_rows'], accuracy: 1 });
    expect(warnings[0]).toMatch(
      /^\d+ test rows are equal to train rows in all features: they are scored/,
    );
    expect(comparisons[0]!.facts['rows']).toBe(metrics['test_rows']);
    expect(comparisons[0]!.facts['prequential_rows']).toBe(60);
    expect(comparisons[0]!.facts).not.toHaveProperty('prequential_left_out');
  });

  it('are on one side with any label, and where split.key is a feature', async () => {
    runs = openWholeRuns();
    const rows = Array.from({ length: 80 }, (_, i) => [`c${i % 40}`, 'red', String(i % 3)]);
    runs.write('in/1.csv', lines(rows));
    const data = { source: './in/', target: 'y', columns: { y: 'category', id: 'category' } };
    for (const key of [null, ['id']]) {
      const pipeline = key === null ? 'whole' : 'keyed';
      await runs.run(1, { pipeline, params: { data, split: { key } } });
      const { facts } = findStage((await read(1, pipeline)).stages, 'evaluate')!;
      expect(facts).not.toHaveProperty('equal_rows');
      expect(facts.train_rows_checked).toBeGreaterThan(0);
    }
  });
});
