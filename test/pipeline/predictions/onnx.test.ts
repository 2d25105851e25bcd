import { expect, it } from 'vitest';
import type { Encoder } from '../../../pipeline/features/encoder.ts';
import { encoderToJson } from '../../../pipeline/features/encoder.ts';
import { makeOnnx, writeOnnx } from '../../../pipeline/predictions/onnx.ts';
import { memoryFiles } from '../files.ts';
import { sha256 } from '../support.ts';

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
  expect(sha256(first.file!)).toBe(
    'c1e2668062b0c6110bbe96472000feebb70a1b51603ae86aea04f8cd0bc59cbc',
  );
});

const classify = Buffer.from(JSON.stringify({ name: 'DTClassifier', root: leaf(0.25, 0.75) }));
const regress = Buffer.from(JSON.stringify({ name: 'DTRegression', root: { distribution: 2.5 } }));
const date = { name: 'd', type: 'date', median: 1 } as const;
const noWords = { name: 'e', type: 'category', categories: [], most_frequent: null } as const;
const words = encoder.features[1]!;
const days = {
  year: '9a721fc488b452b43a44d1d3ea8c1a28179faade4c21556678864e89d4257498',
  month: '0ae5162ec2158f582921890ad3c34545a53ae26ff1ba1f10a9126ffecca14503',
  day: '26b37ad328d359138034b40ae84023335c8b7e7178933d65d2c678f6d715b034',
  weekday: '734b7b3dc9f2153b0a985085d1036a9922b990fbef29d0a11d3cda005eb77e1a',
  hour: '67ab22b12fa750a55de36c041d0aba4ff64826edc17d2b95896c3905ebf1e566',
} as const;
const others: Record<string, [string, Partial<Encoder>, string[]?]> = {
  'of numbers': [
    '54245979b2c91d40b6f27a9eed6d044da5021391d9f5be384b0047e700cc8f46',
    { classes: undefined },
  ],
  'with labels that are booleans': [
    'c9140f9b81ff80b5130818d22ee859bdad9e13f1c9ebdad16cc275bf3fecd765',
    { classes: ['FALSE', 'true'] },
  ],
  'with labels that are integers': [
    '843f44db82bcb71cc8fedcc3bb3aa12e9e223fe7a8cdd343b46b3c12c4aaa3d0',
    { classes: ['-7', '9007199254740993'] },
  ],
  'with labels that are decimals': [
    'ec92fedf227e352cd3d1c0ec3719670e60409709a9dbba3db3395c1bfdea99a8',
    { classes: ['0.1', '5'] },
  ],
  'of a column without a word': [
    '43f82827f30ae0c3855809cb178a73d775ab34baf5ea6c038cf27264bf0ef235',
    { features: [noWords] },
    ['NA'],
  ],
  'of words where no word means missing': [
    '01b1e8a5ecb98ddc4210094a33d38ead73a68c91604f3f4c39af0ee3630d4bc0',
    { features: [words, noWords] },
    [],
  ],
  ...Object.fromEntries(
    Object.entries(days).map(([part, hash]) => [
      `of the ${part} of dates`,
      [hash, { features: [{ ...date, name: part, from: 'd', part: part as keyof typeof days }] }],
    ]),
  ),
};

it.each(Object.entries(others))(
  'a model %s gives the same bytes too',
  async (_, [hash, other, missing = ['', 'NA', '-999']]) => {
    const stored = 'classes' in other && other.classes === undefined ? regress : classify;
    const { file } = await makeOnnx({
      ...parts,
      type: 'baseline',
      encoder: encoderToJson({ ...encoder, ...other }),
      cells: { missing },
      model: { size: stored.length, read: () => [stored] },
    });
    expect(sha256(file!)).toBe(hash);
  },
);

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
  const room = 32_000_000 - parts.encoder.length;
  await expect(makeOnnx({ ...parts, model: { size: room, read } })).rejects.toThrow('read');
  expect(await makeOnnx({ ...parts, model: { size: room + 1, read } })).toHaveProperty('reason');
});

it('a file is written in the place of an earlier one, which stays where there is none', async () => {
  const files = memoryFiles();
  files.put('model', model.toString());
  files.put('onnx', 'an earlier file');
  const tooLarge = { files: { ...files, size: () => 32_000_001 } };
  const task = { ...parts, model: 'model', into: 'onnx' };
  expect(await writeOnnx(task, undefined, tooLarge)).toMatch(/have 33 MB/);
  expect(files.text('onnx')).toBe('an earlier file');
  expect(await writeOnnx(task, undefined, { files })).toBeNull();
  const { file } = await make(model);
  expect(Buffer.concat([...files.read('onnx')])).toEqual(Buffer.from(file!));
});
