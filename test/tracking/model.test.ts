import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { BadData } from '../../contract/failures.ts';
import type { CellSettings } from '../../pipeline/csv/cells.ts';
import { modelFiles } from '../../tracking/model.ts';
import { readCellCases } from '../support/cell-cases.ts';

const cases = readCellCases();

const features = [
  { name: 'naïve "column"', type: 'number', median: 1.5 },
  { name: 'colour', type: 'category', categories: ['red'], most_frequent: 'red' },
  { name: 'empty', type: 'category', categories: [], most_frequent: null },
];
const parts = {
  model: { bytes: Buffer.from('{"name":"DTClassifier"}') },
  encoder: Buffer.from(JSON.stringify({ schema: 1, features })),
  cells: { missing: ['', ' NA '] },
  modelId: 'm-1',
  runId: 'r-1',
  createdAt: Date.UTC(2026, 0, 2, 3, 4, 5, 67),
};

interface Description {
  signature: { inputs: string; outputs: string; params: string };
  flavors: { python_function: { loader_module: string } };
}

function textOf(
  path: string,
  encoder: object = { schema: 1, features },
  cells: CellSettings = parts.cells,
): string {
  const files = modelFiles({ ...parts, cells, encoder: Buffer.from(JSON.stringify(encoder)) });
  const file = files.find((one) => one.path === path);
  if (file === undefined || 'file' in file) throw new Error(`no bytes at ${path}`);
  return new TextDecoder().decode(file.bytes);
}

it('a model is the files MLflow loads it from, the same bytes each time', () => {
  expect(
    modelFiles(parts).map(({ path }) => path.replace(/model_[0-9a-f]{12}/, 'model_…')),
  ).toEqual([
    'MLmodel',
    'model.json',
    'encoder.json',
    'cells.json',
    'input_example.json',
    'serving_input_example.json',
    'code/retrain_model_…/__init__.py',
    'code/retrain_model_…/cells.py',
    'code/retrain_model_…/tree.py',
    'requirements.txt',
    'python_env.yaml',
  ]);
  expect(modelFiles(parts)).toEqual(modelFiles(parts));
});

it('a model carries how its cells are read, with words trimmed as cells are', () => {
  expect(JSON.parse(textOf('cells.json'))).toEqual({ missing: ['', 'NA'], labels: 'double' });
});

it('MLmodel names model, run, loader, columns and params', () => {
  const description = parse(textOf('MLmodel')) as Description;
  const loader = description.flavors.python_function.loader_module;
  expect(textOf(`code/${loader}/__init__.py`)).toContain('def _load_pyfunc(path):');
  expect(description).toMatchObject({
    model_id: 'm-1',
    run_id: 'r-1',
    utc_time_created: '2026-01-02 03:04:05.067000',
    flavors: { python_function: { code: 'code' } },
  });
  expect(JSON.parse(description.signature.inputs)).toEqual([
    { type: 'double', name: 'naïve "column"', required: true },
    { type: 'string', name: 'colour', required: true },
    { type: 'string', name: 'empty', required: true },
  ]);
  expect(JSON.parse(description.signature.params)).toEqual([
    { name: 'proba', type: 'boolean', default: false, shape: null },
  ]);
});

it('a model has an example of a row: medians and most frequent words', () => {
  const example = { columns: features.map(({ name }) => name), data: [[1.5, 'red', null]] };
  expect(JSON.parse(textOf('input_example.json'))).toEqual(example);
  expect(JSON.parse(textOf('serving_input_example.json'))).toEqual({ dataframe_split: example });
});

it('numbers with a decimal comma are text to MLflow, and dates are', () => {
  const [number] = features;
  const days = [
    { name: 'day', type: 'date', median: 19_723.5 },
    { name: 'day.month', type: 'date', median: 1, from: 'day', part: 'month' },
  ];
  const encoder = { schema: 2, features: [number, ...days] };
  const cells = { missing: [''], decimal: ',' } as const;
  const { signature } = parse(textOf('MLmodel', encoder, cells)) as Description;
  expect(JSON.parse(signature.inputs)).toEqual([
    { type: 'string', name: 'naïve "column"', required: true },
    { type: 'string', name: 'day', required: true },
  ]);
  expect(JSON.parse(textOf('input_example.json', encoder, cells))).toEqual({
    columns: ['naïve "column"', 'day'],
    data: [['1,5', '2024-01-01T12:00']],
  });
});

it.each(cases.labels)('labels %j are of type %s in the signature', (classes, type) => {
  const { signature } = parse(textOf('MLmodel', { schema: 1, classes, features })) as Description;
  expect(JSON.parse(signature.outputs)).toEqual([{ type, required: true }]);
});

it('an encoder that is none is bad data', () => {
  for (const encoder of ['', '[]', '{"features": [{"name": 1}]}'])
    expect(() => modelFiles({ ...parts, encoder: Buffer.from(encoder) })).toThrow(BadData);
});
