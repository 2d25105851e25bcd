import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CellRule, type CellSettings } from '../../../pipeline/csv/cells.ts';
import { parseDate } from '../../../pipeline/csv/dates.ts';
import { type Encoder, encoderToJson, taskOfEncoder } from '../../../pipeline/features/encoder.ts';
import { estimatorOf } from '../../../pipeline/models/estimators.ts';
import { openReaders } from '../../../pipeline/predictions/feature-reader.ts';
import { makeOnnx } from '../../../pipeline/predictions/onnx.ts';
import { Predictor } from '../../../pipeline/predictions/predictor.ts';
import { seeded } from '../models/trees.ts';

/** onnxruntime must answer exactly as `predict` does: labels, probabilities and numbers, to the last bit. */

const home = mkdtempSync(join(tmpdir(), 'onnx-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const CELLS: CellSettings = { missing: ['', 'NA', '-999'] };
const random = seeded(20);
const pick = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)]!;

/** Raw rows by column: numbers, words, and dates as text. */
type Rows = Readonly<Record<string, readonly (number | string | null)[]>>;

interface Asked {
  type?: string;
  params?: object;
  encoder: Omit<Encoder, 'schema' | 'target' | 'missing' | 'unseen'> & { schema?: 1 };
  train: Rows;
  /** The class of each train row as an index, or its number. */
  targets: readonly number[];
  rows: Rows;
}

/** Fits a model, and returns its ONNX file, the cells that onnxruntime gets, and what `predict` answers. */
async function makeCase(
  name: string,
  { type = 'decision_tree', params = {}, encoder: given, train, targets, rows }: Asked,
): Promise<object> {
  const schema = given.schema ?? 2;
  const encoder = {
    target: 'y',
    missing: 'impute',
    ...(schema === 2 ? { unseen: 'missing' } : {}),
    ...given,
    schema,
  } as Encoder;
  const task = taskOfEncoder(encoder);
  const readers = openReaders(encoder, new CellRule(CELLS), false);
  const matrix = {
    rows: targets.length,
    names: encoder.features.map((feature) => feature.name),
    columns: readers.map((reader) =>
      Float64Array.from(train[reader.column]!, (cell) => reader.readValue(cell)),
    ),
    labels: encoder.classes === undefined ? [] : targets.map((index) => encoder.classes![index]!),
    targets: encoder.classes === undefined ? Float64Array.from(targets) : undefined,
    dropped: 0,
  };
  const estimator = estimatorOf({ type });
  const fitted = await estimator.fit(matrix, encoder, estimator.params(task).parse(params), {});
  return askPredictor(name, type, Buffer.concat([...fitted.serialise()]), encoder, rows);
}

async function askPredictor(
  name: string,
  type: string,
  bytes: Buffer,
  encoder: Encoder,
  rows: Rows,
): Promise<object> {
  const parts = {
    type,
    model: { size: bytes.length, read: () => [bytes] },
    encoder: encoderToJson(encoder),
    cells: CELLS,
  };
  const file = join(home, `${name}.onnx`);
  const made = await makeOnnx(parts);
  if (made.reason !== undefined) throw new Error(made.reason);
  writeFileSync(file, made.file);
  const predictor = new Predictor({ ...parts, rejectsUnseen: false });
  const size = Object.values(rows)[0]!.length;
  const { predictions, shares, unreadable } = predictor.predict(size, (reader, row) =>
    reader.readValue(rows[reader.column]![row]),
  );
  expect(unreadable).toEqual([]);
  const expected =
    shares === undefined ? { numbers: predictions } : { labels: predictions.map(String), shares };
  const cells = Object.fromEntries(
    predictor.columns.map(({ name: column, type: kind }) => [
      column,
      rows[column]!.map((cell) => {
        if (kind === 'category') return cell ?? '';
        return kind === 'date' && cell !== null ? parseDate(String(cell)) : cell;
      }),
    ]),
  );
  return { name, file, cells, expected };
}

function askOnnxruntime(cases: readonly object[]): Record<string, [number, number, number]> {
  const file = join(home, 'cases.json');
  writeFileSync(file, JSON.stringify(cases));
  const python = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'python');
  const script = join(import.meta.dirname, 'ask_onnx.py');
  return JSON.parse(execFileSync(python, [script, file], { encoding: 'utf8' })) as never;
}

const numbers = (...names: string[]) =>
  names.map((name) => ({ name, type: 'number', median: 0.1 }) as const);

/** The float64 next to a number, above or below it. */
function neighbour(value: number, up: boolean): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const step = value > 0 === up ? 1n : -1n;
  view.setBigUint64(0, view.getBigUint64(0) + step);
  return value === 0 ? (up ? Number.MIN_VALUE : -Number.MIN_VALUE) : view.getFloat64(0);
}

/** Numbers at the edges of float64 and of float32, each with its neighbours. */
function makeEdges(): number[] {
  const plain = Array.from({ length: 60 }, () => (random() - 0.5) * 10 ** (random() * 20 - 10));
  const extreme = [0, Number.MIN_VALUE, 2.2250738585072014e-308, 1e-45, 1.17549435e-38];
  const large = [2 ** 24, 2 ** 53, 3.4028234663852886e38, 1.7e308, 0.1 + 0.2, 1 / 3, 0.1];
  const all = [...plain, ...extreme, ...large].flatMap((value) => [value, -value]);
  const near = all.flatMap((value) => [neighbour(value, true), value, neighbour(value, false)]);
  return near.flatMap((value) => {
    const single = Math.fround(value);
    return Number.isFinite(single) ? [value, single] : [value];
  });
}

const classes = ['no', 'maybe', 'yes'];
const repeat = <T>(times: number, make: (index: number) => T): T[] =>
  Array.from({ length: times }, (_, index) => make(index));
const drawClasses = (rows: number, count = 3): number[] =>
  repeat(rows, () => Math.floor(random() * count));

const DATES = repeat(3000, () => {
  const year = String(1 + Math.floor(random() ** 0.2 * 9998)).padStart(4, '0');
  const day = pick([`02-2${8 + Math.floor(random() * 2)}`, '12-31', '01-01', '03-01', '07-15']);
  const text = `${year}-${day}${pick(['', 'T23:59:59.999', 'T00:00:01', 'T07:59:59', 'T08:00'])}`;
  return parseDate(text) === null ? null : text;
});
const PARTS = ['year', 'month', 'day', 'weekday', 'hour'] as const;

it('onnxruntime answers every row of every kind of model as predict does', async () => {
  const edges = makeEdges();
  const rows = { x: edges, label: edges.map((_, i) => edges.at(-i)!) };
  const asked = { x: [...edges, null, -999], label: [...rows.label, 1, null] };
  const twoNumbers = { classes, features: numbers('x', 'label') };
  const targets = drawClasses(edges.length);
  const first = 150;
  const few = { x: rows.x.slice(0, first), label: rows.label.slice(0, first) };
  const sums = edges.map((edge, i) => Math.atan(edge) + (i % 7) / 3);
  const words = ['a', 'b', 'käse', 'x y', '😀'];
  const cells = repeat(2000, () => pick([...words, '', 'NA', '-999', 'never seen', 'A']));
  const wordFeature = { name: 'v1', type: 'category', categories: words.toSorted() } as const;
  const empty = { name: 'e', type: 'category', categories: [], most_frequent: null } as const;
  const withWords = {
    train: { v1: cells, e: cells, n: cells.map((_, i) => i) },
    targets: drawClasses(cells.length),
    rows: { v1: cells.toReversed(), e: cells, n: cells.map((_, i) => i + 0.5) },
  };
  const features = [{ ...wordFeature, most_frequent: 'b' }, empty, ...numbers('n')];
  const dateFeatures = [
    { name: 'd', type: 'date', median: 12.5 } as const,
    ...PARTS.map((part, i) => ({ name: part, type: 'date', median: i, from: 'd', part }) as const),
  ];
  // Each part of a date alone, so that no other part can replace it.
  const byPart = dateFeatures.map((feature) =>
    makeCase(`the ${feature.name} of dates`, {
      encoder: { features: [feature] },
      train: { d: DATES },
      targets: DATES.map(() => random()),
      rows: { d: DATES.toReversed() },
    }),
  );
  const byLabels = Object.entries({
    booleans: ['FALSE', 'True'],
    integers: ['-7', '9007199254740993'],
    decimals: ['0.1', '1e-7', '5'],
  }).map(([kind, labels]) =>
    makeCase(`labels that are ${kind}`, {
      encoder: { classes: labels, features: numbers('x') },
      train: { x: edges },
      targets: drawClasses(edges.length, labels.length),
      rows: { x: edges },
    }),
  );
  const deep = { classes: ['5', '6'], features: numbers('x') };
  const cases = await Promise.all([
    makeCase('a tree', { encoder: twoNumbers, train: rows, targets, rows: asked }),
    makeCase('a tree with impure leaves', {
      params: { max_depth: 4 },
      encoder: twoNumbers,
      train: rows,
      targets,
      rows: asked,
    }),
    makeCase('a tree of numbers', {
      encoder: { features: numbers('x', 'label') },
      train: rows,
      targets: sums,
      rows: asked,
    }),
    makeCase('a tree of ml-cart', {
      type: 'ml_cart',
      encoder: twoNumbers,
      train: few,
      targets: targets.slice(0, first),
      rows: asked,
    }),
    makeCase('a tree of numbers of ml-cart', {
      type: 'ml_cart',
      encoder: { features: numbers('x', 'label') },
      train: few,
      targets: sums.slice(0, first),
      rows: asked,
    }),
    makeCase('a baseline', {
      type: 'baseline',
      encoder: twoNumbers,
      train: rows,
      targets,
      rows: asked,
    }),
    makeCase('a baseline of numbers', {
      type: 'baseline',
      encoder: { features: numbers('x', 'label') },
      train: rows,
      targets: sums,
      rows: asked,
    }),
    makeCase('words', { ...withWords, encoder: { classes, features } }),
    makeCase('words of an earlier encoder', {
      ...withWords,
      encoder: { schema: 1, classes, features },
    }),
    makeCase('a date with all its parts', {
      encoder: { classes, features: dateFeatures },
      train: { d: DATES },
      targets: drawClasses(DATES.length),
      rows: { d: DATES.toReversed() },
    }),
    ...byPart,
    ...byLabels,
    askPredictor(
      'a tree as deep as model.max_depth may be',
      'decision_tree',
      makeDeepTree(1000),
      { schema: 2, target: 'y', missing: 'impute', unseen: 'missing', ...deep },
      { x: repeat(2002, (i) => i / 2) },
    ),
  ]);
  const found = askOnnxruntime(cases);
  expect(Object.keys(found)).toHaveLength(cases.length);
  const wrong = Object.entries(found).filter(([, [, count]]) => count > 0);
  expect(wrong).toEqual([]);
  const total = Object.values(found).reduce((sum, [size]) => sum + size, 0);
  expect(total).toBeGreaterThan(30_000);
});

function makeDeepTree(depth: number): Buffer {
  const leaf = (label: number): object => ({ distribution: [label === 0 ? [1] : [0, 1]] });
  let root = leaf(0);
  for (let value = depth; value > 0; value--)
    root = { splitColumn: 0, splitValue: value, left: leaf(value % 2), right: root };
  return Buffer.from(JSON.stringify({ name: 'DTClassifier', root }));
}
