import { expect, it } from 'vitest';
import { cutBatches, growRaw } from '../../../pipeline/batches/raw-tasks.ts';
import { memoryFiles } from '../files.ts';
import { CELLS, sha256 } from '../support.ts';

// 72 MB, which is more than the rows that are held in memory.
const LENGTH = 8_000_000;
const lines = Array.from({ length: 9 }, (_, i) => `${i},${String(i).repeat(LENGTH)}`);
const raw = { file: 'data.csv', delimiter: ',', path: 'raw' };
const columns = ['x', 'y'].map((name) => ({ name, type: 'category' as const }));
const textOf = (rows: readonly string[]): string => `x,y\n${rows.join('\n')}\n`;
const read = (text: string): [number, string] => [text.length, sha256(Buffer.from(text))];

it('rows that do not fit in memory wait for their batches in separate files', () => {
  const files = memoryFiles(1 << 20);
  files.put('raw', textOf(lines));
  const shape = { columns, cells: CELLS, batchSize: 3, target: 'y', shuffleSeed: 1, rows: 9 };
  const input = { ...raw, ...shape, batches: [1, 2, 3], folder: 'out' };
  const found = cutBatches(input, undefined, { files });
  const batches = found.map(({ path }) => files.text(path));
  const order = batches.flatMap((text) =>
    text
      .split('\n')
      .slice(1, -1)
      .map((line) => line[0]),
  );
  expect(new Set(order).size).toBe(9);
  for (const [i, text] of batches.entries()) {
    const rows = order.slice(3 * i, 3 * i + 3).map((name) => lines[Number(name)]!);
    expect(read(text)).toEqual(read(textOf(rows)));
  }

  files.put('before', textOf(lines));
  files.put('raw', textOf([...lines, 'new,row']));
  const grown = {
    ...shape,
    before: { ...raw, path: 'before', rows: 9, shuffleSeed: 1, cut: 0 },
    whole: raw,
    known: 9,
    path: 'next',
  };
  expect(growRaw(grown, undefined, { files })).toEqual({ whole: 10, rows: 10 });
  const waiting = order.map((name) => lines[Number(name)]!);
  expect(read(files.text('next'))).toEqual(read(textOf([...waiting, 'new,row'])));
});
