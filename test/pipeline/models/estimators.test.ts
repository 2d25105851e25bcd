import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeParams, parseParams } from '../../../contract/params.ts';
import { type Encoder, encoderToJson } from '../../../pipeline/features/encoder.ts';
import type { Matrix } from '../../../pipeline/features/matrix.ts';
import type { Classes, FittedModel, Model, Numbers } from '../../../pipeline/models/estimator.ts';
import { estimatorOf, openModel } from '../../../pipeline/models/estimators.ts';
import { paramsOf, paramsSchema } from '../../../pipeline/models/params.ts';
import { memoryFiles } from '../files.ts';
import { takeRows } from '../support.ts';
import { matrixFrom, seeded, upTo } from './trees.ts';

const TYPES = ['decision_tree', 'ml_cart', 'baseline'];
const classes = ['p', 'q', 'r'];

/** Rows and the encoder of their kind of target. */
interface Data {
  matrix: Matrix;
  encoder: Encoder;
}

function dataOf(rows: number[][], targets: readonly (number | string)[]): Data {
  const isNumbers = typeof targets[0] === 'number';
  const matrix = matrixFrom(rows, isNumbers ? [] : (targets as string[]));
  const encoder = { schema: 1, target: 'y', missing: 'impute', features: [] } as const;
  return isNumbers
    ? { matrix: { ...matrix, targets: Float64Array.from(targets as number[]) }, encoder }
    : { matrix, encoder: { ...encoder, classes } };
}

function fit(type: string, { matrix, encoder }: Data, own = {}): Promise<FittedModel> {
  const estimator = estimatorOf({ type });
  const task = encoder.classes === undefined ? 'regression' : 'classification';
  return estimator.fit(matrix, encoder, estimator.params(task).parse(own), {});
}

/** Fits a model of a type; its bytes. */
async function bytesOf(type: string, data: Data, own = {}): Promise<Buffer> {
  const fitted = await fit(type, data, own);
  return Buffer.concat([...fitted.serialise()]);
}

function load(type: string, bytes: Uint8Array, { encoder }: Data, size = bytes.length): Model {
  const task = encoder.classes === undefined ? 'regression' : 'classification';
  return estimatorOf({ type }).load({ size, read: () => [bytes] }, task, 'the model');
}

/** Rows all of whose values differ, with a class and a number that follow them but for noise. */
function noisy(seed: number): { words: Data; numbers: Data } {
  const random = seeded(seed);
  const rows = upTo(10 + (seed % 60)).map(() => [random(), random(), random()]);
  const words = rows.map(([x]) => classes[Math.floor((random() < 0.2 ? random() : x!) * 3)]!);
  const numbers = rows.map(([x, y]) => x! * 3 + y! + random());
  return { words: dataOf(rows, words), numbers: dataOf(rows, numbers) };
}

describe.each(TYPES)('a model of type %s', (type) => {
  const { words, numbers } = noisy(59);

  it('is described alike before and after it is stored', async () => {
    for (const data of [words, numbers]) {
      const fitted = await fit(type, data);
      const stored = load(type, Buffer.concat([...fitted.serialise()]), data);
      expect(fitted.describe()).toEqual(stored.describe());
    }
  });

  it('is fitted, stored, loaded and asked for classes with their probabilities', async () => {
    const model = load(type, await bytesOf(type, words), words);
    const { classes: predicted, probabilities } = model.predict(words.matrix) as Classes;
    const hits = words.matrix.labels.filter((label, row) => label === classes[predicted[row]!]);
    expect(hits.length / words.matrix.rows).toBeGreaterThan(type === 'baseline' ? 0.3 : 0.7);
    expect(Math.min(...probabilities)).toBeGreaterThanOrEqual(1 / 3);
    expect(Math.max(...probabilities)).toBeLessThanOrEqual(1);
    expect(model.describe().text).toMatch(/^A [a-z]/);
  });

  it('is fitted, stored, loaded and asked for numbers', async () => {
    const model = load(type, await bytesOf(type, numbers), numbers);
    const { numbers: predicted } = model.predict(numbers.matrix) as Numbers;
    const targets = numbers.matrix.targets!;
    const mean = targets.reduce((sum, y) => sum + y, 0) / targets.length;
    const squares = (of: (row: number) => number): number =>
      targets.reduce((sum, y, row) => sum + (y - of(row)) ** 2, 0);
    const explained = 1 - squares((row) => predicted[row]!) / squares(() => mean);
    expect(explained).toBeGreaterThan(type === 'baseline' ? -1e-9 : 0.7);
  });

  it('predicts alike by ml-cart and, where it is too large for that, by this program', async () => {
    for (const data of [words, numbers]) {
      const bytes = await bytesOf(type, data);
      const [small, large] = [load(type, bytes, data), load(type, bytes, data, 1e9)];
      expect([small.predictor, large.predictor]).toEqual(['ml-cart', 'retrain']);
      expect(large.predict(data.matrix)).toEqual(small.predict(data.matrix));
      const none = { rows: 0, columns: data.matrix.columns.map(() => new Float64Array(0)) };
      expect(Object.values(small.predict(none))[0]).toHaveLength(0);
    }
  });

  it('is the same bytes in every order of the rows', async () => {
    const tied = upTo(60).map((i) => [i % 3, (i * i) % 7, i % 4]);
    const tiedWords = dataOf(
      tied,
      upTo(60).map((i) => classes[(i * 7) % 4] ?? 'p'),
    );
    const tiedNumbers = dataOf(
      tied,
      upTo(60).map((i) => ((i * 7) % 4) / 10),
    );
    for (const { matrix, encoder } of [words, numbers, tiedWords, tiedNumbers]) {
      const backwards = takeRows(matrix, upTo(matrix.rows).reverse());
      expect(await bytesOf(type, { matrix: backwards, encoder })).toEqual(
        await bytesOf(type, { matrix, encoder }),
      );
    }
  });

  it('refuses rows that no model can be fitted on', async () => {
    await expect(bytesOf(type, dataOf([[Infinity]], ['p']))).rejects.toThrow(
      'train row 1 has Infinity in column "x0"',
    );
    await expect(bytesOf(type, dataOf([[1]], [1e200]))).rejects.toThrow('has the target 1e+200');
  });
});

describe('a baseline', () => {
  it('is the most frequent class with its share, the first in order among equals', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...classes), { minLength: 1, maxLength: 50 }),
        async (labels) => {
          const data = dataOf(
            labels.map((_, i) => [i]),
            labels,
          );
          const model = load('baseline', await bytesOf('baseline', data), data);
          const { classes: predicted, probabilities } = model.predict(data.matrix) as Classes;
          const counts = classes.map((word) => labels.filter((label) => label === word).length);
          const most = Math.max(...counts);
          expect(new Set(predicted)).toEqual(new Set([counts.indexOf(most)]));
          expect(probabilities[0]).toBe(most / labels.length);
        },
      ),
    );
  });

  it('is the mean of numbers, and says nothing of depth, leaves or features', async () => {
    const data = dataOf([[1], [2], [3]], [1, 2, 6]);
    const model = load('baseline', await bytesOf('baseline', data), data);
    expect(model.predict(data.matrix)).toEqual({ numbers: Float64Array.of(3, 3, 3) });
    expect(model.describe().facts).toEqual({});
    expect(model.importance(1)).toBeNull();
    expect(model.outline(data.encoder, 10)).toBeNull();
  });

  it('has the same bytes in every version of the program', async () => {
    const rows = [[1], [2], [3], [4]];
    expect((await bytesOf('baseline', dataOf(rows, ['p', 'r', 'r', 'r']))).toString()).toBe(
      '{"name":"DTClassifier","options":{"kind":"classifier"},"root":{"distribution":[[0.25,0,0.75]],"kind":"classifier"}}',
    );
    expect((await bytesOf('baseline', dataOf(rows, [1, 2, 3, 4]))).toString()).toBe(
      '{"name":"DTRegression","options":{"kind":"regression"},"root":{"distribution":2.5,"kind":"regression"}}',
    );
  });
});

describe('ml_cart', () => {
  const GROWN = { max_depth: 1000 };

  it('predicts as decision_tree does where no value occurs twice and no cuts tie', async () => {
    let alike = 0;
    for (const seed of upTo(60)) {
      const { words, numbers } = noisy(seed);
      const one = await bytesOf('ml_cart', numbers, GROWN);
      const other = await bytesOf('decision_tree', numbers, GROWN);
      const elsewhere = noisy(seed + 1000).numbers.matrix;
      expect(load('ml_cart', one, numbers).predict(elsewhere)).toEqual(
        load('decision_tree', other, numbers).predict(elsewhere),
      );
      const [theirs, ours] = [
        await bytesOf('ml_cart', words),
        await bytesOf('decision_tree', words),
      ];
      const [a, b] = [load('ml_cart', theirs, words), load('decision_tree', ours, words)];
      // Among cuts of equal gain, rounding decides there and the order of features here.
      if (sameClasses(a, b, elsewhere)) alike++;
    }
    expect(alike).toBeGreaterThan(50);
  });

  it('makes a perfect split of numbers below the root, which its own threshold refuses', async () => {
    const data = dataOf(
      upTo(8).map((i) => [i]),
      [1, 1, 2, 2, 10, 10, 11, 11],
    );
    const model = load('ml_cart', await bytesOf('ml_cart', data), data);
    expect(model.predict(data.matrix)).toEqual({ numbers: data.matrix.targets });
  });

  it('refuses more rows than it can train on in about a minute, with a way out', async () => {
    const data = dataOf(
      upTo(40_000).map((i) => [i]),
      upTo(40_000).map((i) => classes[i % 3]!),
    );
    await expect(bytesOf('ml_cart', data)).rejects.toThrow(
      'ml-cart would take more than a minute to train on 40000 rows of 1 columns and 3 classes, and its ' +
        'time grows with the square of the rows: set model.type to decision_tree',
    );
    // A tenth of the rows with more than a hundred times the columns is as much work.
    const wide = dataOf(
      upTo(4000).map((i) => upTo(130).map((c) => i + c)),
      upTo(4000),
    );
    await expect(bytesOf('ml_cart', wide)).rejects.toThrow(
      'to train on 4000 rows of 130 columns, and its time',
    );
  });
});

function sameClasses(a: Model, b: Model, rows: Matrix): boolean {
  const [one, other] = [a, b].map((model) => (model.predict(rows) as Classes).classes);
  return one!.every((value, row) => value === other![row]);
}

describe('a stored model', () => {
  it('is opened by the estimator of its type, which errors name with its version', async () => {
    const { words } = noisy(7);
    const encoder = encoderToJson(words.encoder);
    const files = memoryFiles();
    const type = 'baseline';
    files.put('model', (await bytesOf(type, words)).toString());
    const opened = openModel({ type, model: 'model', encoder }, files);
    expect(opened.encoder).toEqual(words.encoder);
    expect(opened.model.describe().text).toBe('A baseline that predicts the same for every row');

    files.put('model', '{}');
    const open = (of?: string) => () => openModel({ type, model: 'model', encoder }, files, of);
    expect(open()).toThrow(/^the model is not a tree/);
    expect(open('version 3')).toThrow(/^the model of version 3 is not a tree/);
    const broken = { type, model: 'model', encoder: Buffer.from('{') };
    expect(() => openModel(broken, files, 'version 3')).toThrow('the encoder of version 3 ');
  });

  it('of a type that this program does not have is refused with those it has', () => {
    expect(() => estimatorOf({ type: 'forest' })).toThrow(
      'model.type is "forest": expected decision_tree, ml_cart or baseline',
    );
  });
});

describe('model.type', () => {
  const model = (given: object) => parseParams(paramsSchema, { model: given }, 'params').model;

  it('is decision_tree unless it is named, and decides what hyperparameters there are', () => {
    expect(model({})).toEqual({
      task: 'classification',
      type: 'decision_tree',
      max_depth: 5,
      min_samples_split: 2,
      min_samples_leaf: 1,
      min_gain: 0,
    });
    expect(model({ type: 'baseline' })).toEqual({ task: 'classification', type: 'baseline' });
    expect(Object.keys(model({ type: 'ml_cart' }))).not.toContain('min_samples_leaf');
  });

  it.each([
    [
      { type: 'forest' },
      'params: model.type is "forest": expected decision_tree, ml_cart or baseline',
    ],
    [
      { type: 'ml_cart', min_samples_leaf: 2 },
      'params: model.min_samples_leaf is not a known key: a model of type ml_cart has only max_depth, min_samples_split, min_gain',
    ],
    [
      { type: 'baseline', max_depth: 2 },
      'params: model.max_depth is not a known key: a model of type baseline has no hyperparameters',
    ],
    [
      { max_dept: 3 },
      'params: model.max_dept is not a known key: did you mean model.max_depth? a model of type decision_tree has only',
    ],
    [{ max_depth: 0 }, 'params: model.max_depth is 0: expected at least 1'],
    [
      { type: 'ml_cart', task: 'regression', min_gain: 1 },
      'params: model.min_gain is 1: expected 0, as ml-cart measures no gain where it predicts numbers',
    ],
  ])('refuses %j with a sentence', (given, message) => {
    expect(() => model(given)).toThrow(message);
  });

  it.each<[object, string, number[], number[]]>([
    [{}, 'max_depth', [1, 3, 1000], [0, 1001, 2.5]],
    [{}, 'min_samples_split', [2, 100], [1, 2.5]],
    [{}, 'min_samples_leaf', [1, 100], [0, 1.5]],
    [{}, 'min_gain', [0, 0.25, 1], [-0.25, 1.25]],
    [{ task: 'regression' }, 'min_gain', [0, 50], [-0.25]],
    [{ type: 'ml_cart' }, 'max_depth', [1, 3, 1000], [0, 1001, 2.5]],
    [{ type: 'ml_cart' }, 'min_samples_split', [2, 100], [1, 2.5]],
    [{ type: 'ml_cart' }, 'min_gain', [0, 0.25, 1], [-0.25, 1.25]],
  ])('with %j bounds %s', (given, name, accepted, refused) => {
    for (const value of accepted) expect(model({ ...given, [name]: value })[name]).toBe(value);
    for (const value of refused)
      expect(() => model({ ...given, [name]: value })).toThrow(
        `model.${name} is ${value}: expected`,
      );
  });

  it('of another kind drops the hyperparameters that params.yaml gives its own kind', () => {
    const file = { model: { task: 'regression', max_depth: 3, min_samples_leaf: 7 } };
    expect(paramsOf(file, { model: { type: 'baseline' } }).model).toEqual({
      task: 'regression',
      type: 'baseline',
    });
    expect(paramsOf(file, { model: { type: 'decision_tree' } }).model['max_depth']).toBe(3);
    expect(mergeParams(file, { model: { type: 'ml_cart', max_depth: 2 } })).toEqual({
      model: { task: 'regression', type: 'ml_cart', max_depth: 2 },
    });
    expect(file.model.max_depth).toBe(3);
  });
});
