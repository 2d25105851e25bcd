import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Trees by ml-cart itself with their encoders: what a stored model must predict like. */

interface Classifier {
  train(rows: number[][], labels: number[]): void;
  predict(rows: number[][]): number[];
  toJSON(): object;
}
// ml-cart ships no types, and its ES modules do not load in Node.
const { DecisionTreeClassifier } = createRequire(import.meta.url)('ml-cart') as {
  DecisionTreeClassifier: new (options: object) => Classifier;
};

export type Cell = string | number | null;

export interface TestModel {
  tree: object;
  encoder: object;
  /** Raw rows, as a person has them. */
  columns: string[];
  rows: Cell[][];
  /** ml-cart's own answer to each. */
  predictions: string[];
}

export function irisModel(): TestModel {
  const file = new URL('../../sources/datasets/iris.csv', import.meta.url);
  const [header = [], ...lines] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const rows = lines.map((cells) => cells.slice(0, 4).map(Number));
  const classes = ['setosa', 'versicolor', 'virginica'];
  const tree = new DecisionTreeClassifier({ maxDepth: 5 });
  tree.train(
    rows,
    lines.map((cells) => classes.indexOf(cells[4] ?? '')),
  );
  const columns = header.slice(0, 4);
  return {
    tree: tree.toJSON(),
    encoder: {
      schema: 1,
      target: 'species',
      missing: 'impute',
      classes,
      features: columns.map((name) => ({ name, type: 'number', median: 3 })),
    },
    columns,
    rows,
    predictions: tree.predict(rows).map((index) => classes[index] ?? ''),
  };
}

/** Numbers and words, some missing, some never seen; the encoding by hand, row by row. */
export function mixedModel(): TestModel {
  const classes = ['<=50K', '>50K'];
  const rows: Cell[][] = [
    [1, 'red', '1'],
    [2, 'käse', '2'],
    [null, 'red', '2'],
    [4, null, '1'],
    [5, 'never seen', null],
    [6, 'red', '1'],
  ];
  // age: missing → 4; colour: käse 0, red 1, missing → 1, unseen → -1; zip: 1 → 0, 2 → 1, missing → 0
  const encoded = [
    [1, 1, 0],
    [2, 0, 1],
    [4, 1, 1],
    [4, 1, 0],
    [5, -1, 0],
    [6, 1, 0],
  ];
  const tree = new DecisionTreeClassifier({ minNumSamples: 1, gainThreshold: -1 });
  tree.train(encoded, [0, 1, 1, 0, 1, 0]);
  return {
    tree: tree.toJSON(),
    encoder: {
      schema: 1,
      target: 'income',
      missing: 'impute',
      classes,
      features: [
        { name: 'age', type: 'number', median: 4 },
        { name: 'colour', type: 'category', categories: ['käse', 'red'], most_frequent: 'red' },
        { name: 'zip', type: 'category', categories: ['1', '2'], most_frequent: '1' },
      ],
    },
    columns: ['age', 'colour', 'zip'],
    rows,
    predictions: tree.predict(encoded).map((index) => classes[index] ?? ''),
  };
}
