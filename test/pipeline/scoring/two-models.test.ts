import { describe, expect, it } from 'vitest';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { encoderToJson, fitEncoder } from '../../../pipeline/features/encoder.ts';
import { partToArrow } from '../../../pipeline/features/part.ts';
import type { StoredModel } from '../../../pipeline/models/estimators.ts';
import { fitModel } from '../../../pipeline/models/fit-task.ts';
import { compareModels } from '../../../pipeline/scoring/compare-task.ts';
import { decideGate } from '../../../pipeline/scoring/gate/gate-task.ts';
import { memoryFiles } from '../files.ts';
import { csv, encode } from '../support.ts';

/** Two trees that know different tables by heart, compared on the same rows. */

const columns: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
];

type Row = [n: number | '', c: string, y: string];

const files = memoryFiles();
const split = { key: null };

function encodeRows(rows: readonly Row[]) {
  const text = rows.map((row) => `${row.join(',')}\n`).join('');
  return encode(csv(`n,c,y\n${text}`), columns, { testSize: 1e-12 });
}

/** The rows as a part, whichever side they are on. */
const toPart = (rows: readonly Row[]): Uint8Array => partToArrow(encodeRows(rows).train);

/** A tree that knows these rows by heart. */
async function learn(
  name: string,
  rows: readonly Row[],
  missing: 'impute' | 'drop' = 'impute',
): Promise<StoredModel> {
  const { train, counts } = encodeRows(rows);
  const encoder = encoderToJson(fitEncoder(counts, columns, 'y', { missing }).encoder);
  const model = { task: 'classification', type: 'decision_tree', max_depth: 20 };
  const input = { parts: [partToArrow(train)], encoder, model, into: name };
  files.remove(name);
  await fitModel(input as never, undefined, { files });
  return { type: 'decision_tree', model: name, encoder };
}

/** For each part, flags of the rows whose numbers are given. */
const flag = (parts: readonly (readonly Row[])[], flagged: readonly number[] = []) => ({
  trained: parts.map((rows) =>
    Uint8Array.from(rows, ([n]) => Number(n !== '' && flagged.includes(n))),
  ),
  checked: 0,
});

/** The row of each number, with the class that a table says. */
const rowsOf = (numbers: readonly number[], sayOf: (n: number) => string): Row[] =>
  numbers.map((n) => [n, 'a', sayOf(n)]);

describe('two models are compared on the same rows', () => {
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const truth = (n: number): string => (n < 5 ? 'p' : 'q');

  it('where each leaves out a row that the other can score', async () => {
    // Ours is right about all rows, and the other is wrong about 1 and 2.
    const ours = await learn('ours', rowsOf(numbers, truth), 'drop');
    const wrong = (n: number): string => (n === 1 || n === 2 ? 'q' : truth(n));
    const other = await learn('other', rowsOf(numbers, wrong), 'drop');
    const test: Row[] = [['', 'a', 'p'], [0, '', 'p'], ...rowsOf([1, 2, 3, 6, 8], truth)];
    const { facts } = compareModels(
      {
        ours,
        other,
        split,
        parts: [toPart(test)],
        newTrain: null,
        trained: { both: flag([test]), theirs: flag([test], [2]), ours: flag([test], [8]) },
      },
      undefined,
      { files },
    );
    // Of 1, 3 and 6, the other is wrong about 1.
    expect(facts).toMatchObject({ rows: 3, accuracy: 2 / 3, own_accuracy: 1, left_out: 2 });
  });

  it('where the other one can score a row that ours cannot, and the reverse', async () => {
    const [imputing, dropping] = await Promise.all([
      learn('imputing', rowsOf(numbers, truth), 'impute'),
      learn('dropping', rowsOf(numbers, truth), 'drop'),
    ]);
    const test: Row[] = [['', 'a', 'p'], ...rowsOf([9, 0, 8, 1], truth)];
    for (const [ours, other] of [
      [imputing, dropping],
      [dropping, imputing],
    ] as const) {
      const none = flag([test]);
      const trained = { both: none, theirs: flag([test], [0]), ours: none };
      const input = { ours, other, split, parts: [toPart(test)], newTrain: null, trained };
      const { facts } = compareModels(input, undefined, { files });
      expect(facts).toMatchObject({ rows: 3, accuracy: 1, left_out: 1 });
    }
  });

  it('of the new batch alone, and of both of its sides as one that was not trained on it', async () => {
    const ours = await learn('ours', rowsOf(numbers, truth));
    const wrong = (n: number): string => (n === 8 ? 'p' : truth(n));
    const other = await learn('other', rowsOf(numbers, wrong));
    const first = rowsOf([0, 1, 5], truth);
    const [last, newTrain] = [rowsOf([2, 8], truth), rowsOf([3, 4, 6, 7, 9], truth)];
    const parts = [first, last];
    const every = [...parts, newTrain];
    const { facts } = compareModels(
      {
        ours,
        other,
        split,
        parts: parts.map(toPart),
        newTrain: toPart(newTrain),
        // The other was trained on rows that are equal to 2 and to 9, and both on one that is equal to 7.
        trained: { both: flag(every, [7]), theirs: flag(every, [2, 9]), ours: flag(every) },
      },
      undefined,
      { files },
    );
    expect(facts).toMatchObject({
      rows: 4,
      accuracy: 3 / 4,
      left_out: 1,
      new_batch_rows: 1,
      new_batch_accuracy: 0,
      new_batch_left_out: 1,
      // 3, 4 and 6 of the train rows, and 8 of the test rows.
      prequential_rows: 4,
      prequential_accuracy: 3 / 4,
      prequential_left_out: 3,
    });
  });
});

describe('the gate', () => {
  /** Rows 0 to 29 of the slice a, and 30 to 59 of the slice b. */
  const slicedRows = (sayOf: (n: number) => string): Row[] =>
    Array.from({ length: 60 }, (_, n) => [n, n < 30 ? 'a' : 'b', sayOf(n)]);
  const truth = (n: number): string => (n % 30 < 20 ? 'p' : 'q');

  /** Decides where the challenger is wrong about the first rows of a, and the champion about those of b. */
  async function decide(wrongRows: number) {
    const isWrong = (from: number) => (n: number) =>
      n >= from && n < from + wrongRows ? 'q' : truth(n);
    const { decision } = decideGate(
      {
        contest: {
          version: 2,
          champion: { version: 1, seq: 1 },
          isSame: false,
          rules: { rule: 'not_worse', margin: 0, confidence: 0.95, slices: ['c'] },
          metric: 'accuracy',
        },
        challenger: await learn('challenger', slicedRows(isWrong(0))),
        champion: await learn('champion', slicedRows(isWrong(30))),
        parts: [toPart(slicedRows(truth))],
        split,
        trained: null,
      },
      undefined,
      { files },
    );
    return decision;
  }

  it('holds a build that is shown to be worse in one of two slices, and better in the other', async () => {
    // 6 rows are lost in a, which happens to an equal model once in 64 times.
    expect(await decide(6)).toMatchObject({
      outcome: 'hold',
      rows: 60,
      challenger_score: 0.9,
      champion_score: 0.9,
      worse_slices: ['c=a'],
    });
  });

  it('asks more of a slice the more slices there are', async () => {
    // 5 rows are lost in a: once in 32 times, which is enough for one slice and not for two.
    expect(await decide(5)).toMatchObject({ outcome: 'promote', rows: 60, worse_slices: [] });
  });
});
