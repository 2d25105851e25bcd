import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { BadData } from '../../contract/failures.ts';
import { modelFiles } from '../../tracking/model.ts';

const features = [
  { name: 'naïve "column"', type: 'number', median: 1 },
  { name: 'colour', type: 'category', categories: ['red'], most_frequent: 'red' },
];
const parts = {
  model: { bytes: Buffer.from('{"name":"DTClassifier"}') },
  encoder: Buffer.from(JSON.stringify({ schema: 1, features })),
  missing: ['', ' NA '],
  modelId: 'm-1',
  runId: 'r-1',
  createdAt: Date.UTC(2026, 0, 2, 3, 4, 5, 67),
};

function textOf(path: string): string {
  const file = modelFiles(parts).find((one) => one.path === path);
  if (file === undefined || 'file' in file) throw new Error(`no bytes at ${path}`);
  return new TextDecoder().decode(file.bytes);
}

it('a model is the files MLflow loads it from, the same bytes each time', () => {
  expect(modelFiles(parts).map(({ path }) => path)).toEqual([
    'MLmodel',
    'model.json',
    'encoder.json',
    'cells.json',
    'code/tree_model.py',
    'requirements.txt',
    'python_env.yaml',
  ]);
  expect(modelFiles(parts)).toEqual(modelFiles(parts));
  expect(textOf('code/tree_model.py')).toContain('def _load_pyfunc(path):');
});

it('a model carries the words for "not known", trimmed as cells are', () => {
  expect(textOf('cells.json')).toBe('{"missing":["","NA"]}');
});

it('MLmodel names model, run, loader and columns', () => {
  const description = parse(textOf('MLmodel')) as {
    signature: { inputs: string };
    flavors: object;
  };
  expect(description).toMatchObject({
    model_id: 'm-1',
    run_id: 'r-1',
    utc_time_created: '2026-01-02 03:04:05.067000',
    flavors: { python_function: { loader_module: 'tree_model', code: 'code' } },
  });
  expect(JSON.parse(description.signature.inputs)).toEqual([
    { type: 'any', name: 'naïve "column"', required: true },
    { type: 'any', name: 'colour', required: true },
  ]);
});

it('an encoder that is none is bad data', () => {
  for (const encoder of ['', '[]', '{"features": [{"name": 1}]}'])
    expect(() => modelFiles({ ...parts, encoder: Buffer.from(encoder) })).toThrow(BadData);
});
