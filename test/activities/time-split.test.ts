import { afterEach, expect, it } from 'vitest';
import { findStage } from '../../contract/stages.ts';
import { partFromArrow } from '../../pipeline/features/part.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

/** Batches whose newest rows are held out, by the real activities on a bucket in memory. */

let runs: WholeRuns;
afterEach(() => runs.close());

/** Rows whose label depends on x, one for each minute from `from`. */
const lines = (from: number, rows: number): string[] =>
  Array.from({ length: rows }, (_, i) => {
    const at = new Date(Date.UTC(2026, 0, 1) + (from + i) * 60_000).toISOString();
    return `${at},${from + i},${(from + i) % 3 === 0 ? 'a' : 'b'}`;
  });
const text = (rows: string[]): string => `at,x,y\n${rows.join('\n')}\n`;
const paramsOf = (columns: object) => ({
  data: { source: './in/', target: 'y', columns },
  split: { by: 'time', time_column: 'at' },
});
const read = async (version: number) =>
  (await runs.store.records.findLatest('timed', version)).record;

it('the newest rows of each batch are held out, and stay so in later versions', async () => {
  runs = openWholeRuns();
  runs.write('in/1.csv', text(lines(0, 40).toReversed()));
  runs.write('in/2.csv', text(lines(40, 20)));
  const params = paramsOf({ at: 'ignore' });
  for (const batch of [1, 2]) await runs.run(batch, { pipeline: 'timed', params });
  const { test } = findStage((await read(2)).stages, 'preprocess')!.outputs;
  const parts = await runs.store.artifacts.list(test!);
  const held = await Promise.all(
    parts.map(async (part) => partFromArrow(await runs.store.artifacts.get(part)).table.array('x')),
  );
  expect(held.map((values) => Array.from(values).sort((a, b) => a - b))).toEqual([
    [32, 33, 34, 35, 36, 37, 38, 39],
    [56, 57, 58, 59],
  ]);
  const [before] = (await read(2)).comparisons;
  expect(before!.facts).toMatchObject({ rows: 12, new_batch_rows: 4, prequential_rows: 20 });
  expect((await runs.store.ledgers.read('timed'))!.settings.split_time).toBe('at');
});

it('a row that a later batch repeats is left out of the scores of a model that was trained on it', async () => {
  runs = openWholeRuns();
  const first = lines(0, 40);
  runs.write('in/1.csv', text(first));
  // The second file repeats four rows that the first batch holds out, as its oldest.
  runs.write('in/2.csv', text([...first.slice(-4), ...lines(40, 16)]));
  const params = paramsOf({});
  for (const batch of [1, 2]) await runs.run(batch, { pipeline: 'timed', params });
  const { stages, metrics, comparisons } = await read(2);
  const { facts, warnings } = findStage(stages, 'evaluate')!;
  expect(facts).toMatchObject({ left_out: 4, test_rows: 8 });
  expect(metrics['test_rows']).toBe(8);
  expect(warnings[0]).toBe(
    '4 test rows are equal to train rows, because a later batch repeats test rows of an earlier one: they are left out of the scores',
  );
  // Both models are compared on the rows that neither was trained on.
  expect(comparisons[0]!.facts).toMatchObject({ rows: 8, left_out: 4, prequential_rows: 20 });
  expect(comparisons[0]!.facts['own_accuracy']).toBe(metrics['accuracy']);
});

it.each([
  [{ key: ['ide'] }, 'split.key names column "ide", which '],
  [{ by: 'time', time_column: 'when' }, 'split.time_column names column "when", which '],
  [{ by: 'time', time_column: 'y' }, 'split.time_column names "y", the target'],
])('a split by %j is refused before it is frozen', async (split, sentence) => {
  runs = openWholeRuns();
  for (const source of ['./in/', './in/1.csv']) {
    runs.write('in/1.csv', text(lines(0, 40)));
    const asked = { pipeline: 'timed', params: { data: { source, target: 'y' }, split } };
    await expect(runs.run(1, asked)).rejects.toThrow(sentence);
    expect((await runs.store.ledgers.read('timed'))?.batches ?? []).toEqual([]);
  }
});
