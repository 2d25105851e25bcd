import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Encoder } from '../../../pipeline/features/encoder.ts';
import { encoderToJson } from '../../../pipeline/features/encoder.ts';
import { makeOnnx } from '../../../pipeline/predictions/onnx.ts';

/** What onnxruntime answers is tested in onnx.servers.test.ts. */

const encoder: Encoder = {
  schema: 2,
  target: 'y',
  missing: 'impute',
  unseen: 'missing',
  classes: ['no', 'yes'],
  features: [
    { name: 'n', type: 'number', median: 0.1 },
    { name: 'w', type: 'category', categories: ['käse', 'red'], most_frequent: 'red' },
    { name: 'd', type: 'date', median: 1 },
    { name: 'd.month', type: 'date', median: 2, from: 'd', part: 'month' },
  ],
};
const leaf = (...shares: number[]) => ({ distribution: [shares] });
const split = (splitColumn: number, splitValue: number, left: object, right: object) => ({
  splitColumn,
  splitValue,
  left,
  right,
});
const root = split(0, 0.1 + 0.2, leaf(1), split(1, 0.5, leaf(1), leaf(0.25, 0.75)));
const model = Buffer.from(JSON.stringify({ name: 'DTClassifier', root }));
const parts = {
  type: 'decision_tree',
  encoder: encoderToJson(encoder),
  cells: { missing: ['', 'NA', '-999'] },
};
const make = (stored: Uint8Array) =>
  makeOnnx({ ...parts, model: { size: stored.length, read: () => [stored] } });

it('the same model gives the same bytes on every machine', async () => {
  const [first, second] = [await make(model), await make(Uint8Array.from(model))];
  expect(second).toEqual(first);
  const hash = createHash('sha256').update(first.file!).digest('hex');
  expect(hash).toBe('c1e2668062b0c6110bbe96472000feebb70a1b51603ae86aea04f8cd0bc59cbc');
});

it('leaves with the same shares have one row in the table of shares', async () => {
  const pure = (depth: number): object =>
    depth === 0 ? leaf(0, 1) : split(0, depth, pure(depth - 1), leaf(1));
  const deep = Buffer.from(JSON.stringify({ name: 'DTClassifier', root: pure(500) }));
  const [small, large] = [await make(model), await make(deep)];
  // An inner node and a leaf take 33 bytes; a row of shares would take 24 more.
  expect((large.file!.length - small.file!.length) / 500).toBeLessThan(36);
});

it('a model too large for a file gives the reason, and is not read', async () => {
  const read = () => {
    throw new Error('read');
  };
  const { file, reason } = await makeOnnx({ ...parts, model: { size: 40_500_000, read } });
  expect([file, reason]).toEqual([
    undefined,
    'the model and its encoder have 41 MB, and an ONNX file is written up to 32 MB',
  ]);
});
