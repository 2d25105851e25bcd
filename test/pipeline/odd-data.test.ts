import { describe, expect, it } from 'vitest';
import { applyEncoder } from '../../pipeline/features/matrix.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import { CsvReader } from '../../pipeline/csv/reader.ts';
import { fitEncoder } from '../../pipeline/features/encoder.ts';
import { type Counts, mergeCounts } from '../../pipeline/features/counts.ts';
import { inferColumns } from '../../pipeline/batches/infer.ts';
import { scoreClasses } from '../../pipeline/scoring/class-scores.ts';
import { csv, encode, CELLS } from './support.ts';
import { fitTree, predictLabels } from './models/trees.ts';

const columns: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
];
const all = { testSize: 1e-12 };
const params = { max_depth: 5, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };
const infer = (text: string) =>
  inferColumns(new CsvReader([Buffer.from(text)], 'data.csv'), {
    target: 'y',
    declared: {},
    cells: CELLS,
    task: 'classification',
  });
const fit = (counts: Counts) => fitEncoder(counts, columns, 'y', { missing: 'impute' });

/** Encodes, fits and scores on the same rows. */
function train(text: string) {
  const { train: part, counts } = encode(csv(text), columns, all);
  const { encoder, warnings } = fit(counts);
  const matrix = applyEncoder(encoder, part);
  const model = fitTree(matrix, encoder.classes!, params);
  const predicted = predictLabels(model, matrix, encoder.classes!);
  return {
    encoder,
    warnings,
    predicted,
    score: scoreClasses(matrix.labels, predicted, encoder.classes!),
  };
}

describe('odd data', () => {
  it.each(['Infinity', '-inf', '1e999', 'nan'])(
    'with %s among numbers is refused, by row and column',
    (cell) => {
      expect(() => encode(csv(`n,c,y\n1,a,p\n${cell},a,q\n`), columns)).toThrow(
        `batch 1, row 2 (line 3), column "n": "${cell}" is not a number`,
      );
      expect(infer(`n,c,y\n1,a,p\n${cell},a,q\n2,a,q\n`)).toMatchObject({
        columns: [{ name: 'n', type: 'category' }, {}, {}],
        warnings: [
          `data.csv: column "n" is mostly numbers, but line 3 holds "${cell}", so it is read as words; correct that cell, add it to data.missing_values, or declare data.columns.n`,
        ],
      });
    },
  );

  it('of one row gives a tree of one leaf', () => {
    const one = train('n,c,y\n1,a,p\n');
    expect(one.predicted).toEqual(['p']);
    expect(one.score).toMatchObject({ rows: 1, accuracy: 1 });
  });

  it('of one row on the test side cannot be learnt from', () => {
    const { counts } = encode(csv('n,c,y\n1,a,p\n'), columns, { testSize: 1 });
    expect(() => fit(counts)).toThrow('there are no train rows to fit an encoder on');
  });

  it('without a feature is refused', () => {
    expect(() => infer('y\np\nq\n')).toThrow('data.csv has no column to predict "y" from');
    expect(() => infer('x,y\n,p\nNA,q\n')).toThrow('data.csv has no column to predict "y" from');
  });

  it('trains when each row has another class', () => {
    const rows = Array.from({ length: 20 }, (_, i) => `${i},a,class ${i}`);
    const { encoder, score: found } = train(`n,c,y\n${rows.join('\n')}\n`);
    expect(encoder.classes!).toHaveLength(20);
    expect(found!.confusion_matrix.matrix).toHaveLength(20);
  });

  it('with more classes than a matrix can show is refused', () => {
    const rows = Array.from({ length: 1001 }, (_, i) => `${i},a,${i}`);
    const count = (some: string[]): Counts =>
      encode(csv(`n,c,y\n${some.join('\n')}\n`), columns).counts;
    expect(fit(count(rows.slice(1))).encoder.features).toHaveLength(2);
    expect(() => fit(count(rows))).toThrow(
      'column "y", the target, has 1001 different values, and the limit is 1000 classes',
    );
  });

  it('with a million different words in a feature is bounded', () => {
    const words = Array.from(
      { length: 1_000_001 },
      (_, i) => [String(i).padStart(7, '0'), 1] as const,
    );
    const { counts } = encode(csv('n,c,y\n1,a,p\n'), columns, all);
    const [n, c] = counts.train.columns;
    const many = (some: typeof words): Counts => ({
      ...counts,
      train: {
        ...counts.train,
        columns: [n!, { ...c!, type: 'category', words: some, missing: 0 }],
      },
    });
    expect(fit(many(words.slice(1))).encoder.features[1]).toMatchObject({
      most_frequent: '0000001',
    });
    const halves = [words.slice(0, 500_000), words.slice(500_000)].map(many);
    expect(fit(halves[0]!).encoder.features[1]).toMatchObject({ most_frequent: '0000000' });
    expect(() => fit(mergeCounts(halves[0]!, halves[1]!))).toThrow(
      'column "c" has 1000001 different words in the train rows, and the limit is 1000000: it looks like a key; start a pipeline with data.columns.c: ignore',
    );
  });

  it('with a column that no train row knows is learnt from without it', () => {
    const { warnings, predicted } = train('n,c,y\n1,,p\n2,NA,q\n');
    expect(warnings).toEqual([
      'column "c" is missing in every train row, so the model learns nothing from it',
    ]);
    expect(predicted).toEqual(['p', 'q']);
  });

  it('of thousands of columns keeps the rows in which no cell is missing', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `c${i}`);
    const wide: Column[] = [
      ...names.map((name): Column => ({ name, type: 'number' })),
      { name: 'y', type: 'category' },
    ];
    const cells = (hole: number): string => names.map((_, i) => (i === hole ? '' : i)).join();
    const text = `${names.join()},y\n${cells(-1)},p\n${cells(0)},q\n${cells(4999)},q\n`;
    const { train: part, counts } = encode(csv(text), wide, all);
    const { encoder } = fitEncoder(counts, wide, 'y', { missing: 'drop' });
    expect(applyEncoder(encoder, part)).toMatchObject({ rows: 1, dropped: 2, labels: ['p'] });
  });
});
