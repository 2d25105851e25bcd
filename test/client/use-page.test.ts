import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CellRule } from '../../pipeline/csv/cells.ts';
import { type Encoder, encoderToJson } from '../../pipeline/features/encoder.ts';
import { estimatorOf } from '../../pipeline/models/estimators.ts';
import { openReaders } from '../../pipeline/predictions/feature-reader.ts';
import { Predictor } from '../../pipeline/predictions/predictor.ts';
import { seeded } from '../pipeline/models/trees.ts';
import { readCodeBlocks } from '../support/code-blocks.ts';

/** The program in docs/use.md that needs only the files of a model and ml-cart. */

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'use '));
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
mkdirSync(join(folder, 'models/batch_3'), { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cells = { missing: [''] };
type Row = Record<string, string | number | null>;

/** Fits a model, and writes its files where a checkout has them. */
async function fit(given: object, rows: readonly Row[], labels: readonly string[]) {
  const common = { schema: 2, target: 'y', missing: 'impute', unseen: 'missing' };
  const encoder = {
    ...common,
    classes: [...new Set(labels)].sort(),
    ...given,
  } as unknown as Encoder;
  const readers = openReaders(encoder, new CellRule(cells), false);
  const columns = readers.map((reader) =>
    Float64Array.from(rows, (row) => reader.readValue(row[reader.column])),
  );
  const names = readers.map(({ column }) => column);
  const estimator = estimatorOf({ type: 'decision_tree' });
  const params = estimator.params('classification').parse({});
  const matrix = { rows: rows.length, names, columns, labels, dropped: 0 };
  const fitted = await estimator.fit(matrix, encoder, params, {});
  const model = Buffer.concat([...fitted.serialise()]);
  writeFileSync(join(folder, 'models/batch_3/model.json'), model);
  writeFileSync(join(folder, 'models/batch_3/encoder.json'), encoderToJson(encoder));
  return new Predictor({
    type: 'decision_tree',
    model: { size: model.length, read: () => [model] },
    encoder: encoderToJson(encoder),
    cells,
    rejectsUnseen: false,
  });
}

/** Runs the program of the page. Returns what it prints, and what its function answers for rows. */
function runPage(rows: readonly Row[]): { printed: string; answers: unknown } {
  const [program, ...more] = readCodeBlocks('use.md', 'js');
  expect(more).toEqual([]);
  const ask = `console.log(JSON.stringify(predict(JSON.parse(readFileSync('rows.json', 'utf8')))));`;
  writeFileSync(join(folder, 'use.mjs'), `${program}\n${ask}\n`);
  writeFileSync(join(folder, 'rows.json'), JSON.stringify(rows));
  const printed = execFileSync(process.execPath, ['use.mjs'], { cwd: folder, encoding: 'utf8' });
  const lines = printed.trim().split('\n');
  return { printed: lines[0]!, answers: JSON.parse(lines[1]!) };
}

function predict(predictor: Predictor, rows: readonly Row[]): unknown {
  const read = predictor.predict(rows.length, (reader, row) =>
    reader.readValue(rows[row]![reader.column]),
  );
  return read.predictions;
}

it('the program of the page answers Iris by ml-cart alone, and prints what the page says', async () => {
  const text = readFileSync(join(root, 'sources/datasets/iris.csv'), 'utf8');
  const [header = [], ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const names = header.slice(0, 4);
  const rows = lines.map((line) =>
    Object.fromEntries(names.map((name, i) => [name, Number(line[i])])),
  );
  const features = names.map((name) => ({ name, type: 'number', median: 3 }));
  const predictor = await fit(
    { features },
    rows,
    lines.map((line) => line[4]!),
  );
  const { printed, answers } = runPage(rows);
  expect(printed).toBe("[ 'setosa' ]");
  expect(answers).toEqual(predict(predictor, rows));
});

it('the program of the page answers rows with words, missing cells and unseen words as predict does', async () => {
  const random = seeded(7);
  const pick = <T>(...some: T[]): T => some[Math.floor(random() * some.length)]!;
  const make = (): Row => ({
    n: pick(null, random(), -1e308, 5e-324),
    w: pick('red', 'blue', 'käse', null, 'never seen'),
    e: null,
  });
  const rows = Array.from({ length: 2000 }, make);
  const features = [
    { name: 'n', type: 'number', median: 0.5 },
    { name: 'w', type: 'category', categories: ['blue', 'käse', 'red'], most_frequent: 'käse' },
    { name: 'e', type: 'category', categories: [], most_frequent: null },
  ];
  const labels = rows.map(({ n, w }) => (Number(n) > 0.3 === (w === 'red') ? 'yes' : 'no'));
  const predictor = await fit({ features }, rows, labels);
  const asked = Array.from({ length: 2000 }, make);
  expect(runPage(asked).answers).toEqual(predict(predictor, asked));
});
