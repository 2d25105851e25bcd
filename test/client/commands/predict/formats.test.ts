import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { openPredictions } from '../../../../client/commands/predict/predictions.ts';
import {
  findFormat,
  findOutputFormat,
  openRows,
} from '../../../../client/commands/predict/rows.ts';
import { newOwnFolder } from '../../../../store/own-folder.ts';
import type { FeatureReader } from '../../../../pipeline/predictions/feature-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'predict-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const columns = [{ name: 'a', type: 'number' as const }];

/** Reads numbers as they are. */
const reader: FeatureReader = {
  column: 'a',
  type: 'number',
  unseen: new Map(),
  readText: Number,
  readValue: Number,
  readCell: Number,
};

async function readAll(
  path: string,
  delimiter = ',',
  encoding: 'utf-8' | 'latin1' = 'utf-8',
): Promise<number[]> {
  const values: number[] = [];
  const rows = await openRows(path, findFormat(path), { delimiter, encoding });
  for await (const block of rows.blocks(columns, () => undefined))
    for (let row = 0; row < block.rows; row++) values.push(block.read(reader, row));
  return values;
}

function write(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('raw rows', () => {
  it('are read from CSV by the names of columns, in any order and beside others', async () => {
    expect(await readAll(write('a.csv', 'b,a\nx,1\ny,2\n'))).toEqual([1, 2]);
    expect(await readAll(write('b.csv', 'a;b\n3;x\n'), ';')).toEqual([3]);
  });

  it('are refused where another delimiter is used, with the flag to add', async () => {
    for (const [sign, flag] of [
      [';', "';'"],
      ['\t', "'\\t'"],
      ['|', "'|'"],
    ] as const)
      await expect(readAll(write('other.csv', `b${sign}a\nx${sign}1\n`))).rejects.toThrow(
        `give --delimiter ${flag}`,
      );
    await expect(readAll(write('one.csv', 'b\nx\n'))).rejects.toThrow('lacks column "a"');
  });

  it('are read from JSON lines, in more than one block, with empty lines left out', async () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `{"a":${i}}`);
    const values = await readAll(write('a.jsonl', `${lines.join('\n')}\n\n`));
    expect(values).toHaveLength(10_000);
    expect(values.at(-1)).toBe(9999);
  });

  it('are read from CSV in the encoding of the pipeline', async () => {
    const path = write('latin.csv', Buffer.from('größe,a\n1,2\n', 'latin1'));
    expect(await readAll(path, ',', 'latin1')).toEqual([2]);
    await expect(readAll(path)).rejects.toThrow(/not UTF-8/);
  });

  it('are missing where an object of JSON lines inherits the name of a column', async () => {
    const path = write('inherited.jsonl', '{"constructor":1}\n{"b":1}\n');
    const rows = await openRows(path, 'jsonl', { delimiter: ',', encoding: 'utf-8' });
    const values: unknown[] = [];
    const keep = {
      ...reader,
      column: 'constructor',
      readValue: (value: unknown) => values.push(value),
    };
    for await (const block of rows.blocks(
      [{ name: 'constructor', type: 'number' }],
      () => undefined,
    ))
      for (let row = 0; row < block.rows; row++) block.read(keep, row);
    expect(values).toEqual([1, undefined]);
  });

  it('of Parquet with damaged pages are refused with the rows that are lost', async () => {
    const bytes = Buffer.from(
      parquetWriteBuffer({ columnData: [{ name: 'a', data: [1, 2, 3], type: 'DOUBLE' }] }),
    );
    bytes.fill(0xff, 4, 24);
    await expect(readAll(write('damaged.parquet', bytes))).rejects.toThrow(
      /damaged\.parquet, rows 1 to 3, cannot be read as Parquet: write the file again/,
    );
  });

  it.each([
    ['cut.jsonl', Buffer.from('{"a":1}\n{"a":2}€').subarray(0, -1), /cut\.jsonl is not UTF-8/],
    ['lacking.csv', 'b\n1\n', /lacking\.csv lacks column "a", which the model reads: add it/],
    ['lacking.jsonl', '{"b":1}\n', /lacks column "a"/],
    ['broken.jsonl', '{"a":1}\n{"a":\n', /broken\.jsonl, line 2 is not JSON/],
    ['list.jsonl', '[1]\n', /line 1 is not an object/],
    ['empty.jsonl', '', /has no rows/],
    ['no.parquet', 'a\n1\n', /no\.parquet is not Parquet/],
  ])('of %s are refused with a sentence', async (name, text, sentence) => {
    await expect(readAll(write(name, text))).rejects.toThrow(sentence);
  });

  it('of an unknown kind of file, or of no file, are refused', async () => {
    expect(() => findFormat('rows.xlsx')).toThrow(/no known extension: use \.csv/);
    expect(findFormat('rows.txt')).toBe('csv');
    for (const path of ['out.txt', 'out.TSV'])
      expect(() => findOutputFormat(path)).toThrow(/^--out out\.\w+: .* use \.csv, \.jsonl or \./);
    expect(['-', 'a.CSV', 'a.parquet'].map(findOutputFormat)).toEqual(['csv', 'csv', 'parquet']);
    await expect(readAll(join(folder, 'none.csv'))).rejects.toThrow(/cannot be read/);
    mkdirSync(join(folder, 'folder.csv'));
    await expect(readAll(join(folder, 'folder.csv'))).rejects.toThrow(/is a folder: give the path/);
  });
});

describe('predictions', () => {
  const some = {
    predictions: ['x', null, 'y'],
    shares: [[1, 0], null, [0.25, 0.75]],
    unreadable: [],
  };
  const of = { model: 'p version 3.1', classes: ['x', 'y'], example: 'x' };
  const store = async (
    name: string,
    predictions = some,
    about: Parameters<typeof openPredictions>[2] = of,
  ) => {
    const path = join(folder, name);
    const writer = await openPredictions(path, findFormat(name), about);
    await writer.write(predictions);
    await writer.finish();
    return path;
  };

  it('are CSV with a line for each row, empty where there is none', async () => {
    expect(readFileSync(await store('out.csv'), 'utf8')).toBe(
      'prediction,probability_x,probability_y\nx,1,0\n,,\ny,0.25,0.75\n',
    );
  });

  it.each([
    [true, 'prediction\n\\u001b[2Jx\n'],
    [false, 'prediction\n\u001b[2Jx\n'],
  ])('control no terminal, and are as they are on a pipe (terminal: %s)', async (isTTY, text) => {
    const written: unknown[] = [];
    const before = process.stdout.isTTY;
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((bytes) => {
      written.push(bytes);
      return true;
    });
    try {
      process.stdout.isTTY = isTTY;
      const writer = await openPredictions('-', 'csv', { ...of, classes: undefined });
      await writer.write({ predictions: ['\u001b[2Jx'], unreadable: [] });
      await writer.finish();
    } finally {
      spy.mockRestore();
      process.stdout.isTTY = before;
    }
    expect(written.join('')).toBe(text);
  });

  it('are a header where there are no rows', async () => {
    const path = join(folder, 'none-out.csv');
    await (await openPredictions(path, 'csv', of)).finish();
    expect(readFileSync(path, 'utf8')).toBe('prediction,probability_x,probability_y\n');
  });

  it('cannot be written into a folder that does not exist, nor in the place of one', async () => {
    await expect(openPredictions(join(folder, 'no', 'out.csv'), 'csv', of)).rejects.toThrow(
      /out\.csv cannot be written \(ENOENT\): create its folder/,
    );
    await expect(openPredictions(folder, 'csv', of)).rejects.toThrow(/is a folder: give the name/);
  });

  it('leave nothing of a command that was killed, after the next one', async () => {
    const place = mkdtempSync(join(folder, 'killed-'));
    const own = await newOwnFolder(place, 'predict');
    const { pid } = spawnSync(process.execPath, ['--version']);
    renameSync(own, own.replace(`-${process.pid}-`, `-${pid}-`));
    const writer = await openPredictions(join(place, 'out.csv'), 'csv', of);
    expect(readdirSync(place)).toHaveLength(1);
    await writer.finish();
    expect(readdirSync(place)).toEqual(['out.csv']);
    (await openPredictions(join(place, 'out.csv'), 'csv', of)).abandon();
    expect(readdirSync(place)).toEqual(['out.csv']);
  });

  it('are JSON lines', async () => {
    const lines = readFileSync(await store('out.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { prediction: 'x', probabilities: { x: 1, y: 0 } },
      { prediction: null },
      { prediction: 'y', probabilities: { x: 0.25, y: 0.75 } },
    ]);
  });

  it('are Parquet that names the model in its metadata', async () => {
    const file = await asyncBufferFromFile(await store('out.parquet'));
    const metadata = await parquetMetadataAsync(file);
    expect(metadata.key_value_metadata).toEqual([{ key: 'retrain.model', value: 'p version 3.1' }]);
    expect(await parquetReadObjects({ file })).toEqual([
      { prediction: 'x', probability_x: 1, probability_y: 0 },
      { prediction: null, probability_x: null, probability_y: null },
      { prediction: 'y', probability_x: 0.25, probability_y: 0.75 },
    ]);
  });

  it('keep whole numbers beyond 2^53', async () => {
    const big = 9_007_199_254_740_993n;
    const predictions = { predictions: [big], unreadable: [] };
    const about = { model: 'p version 1.1', classes: undefined, example: big };
    const path = await store('big.jsonl', predictions as never, about);
    expect(readFileSync(path, 'utf8')).toBe('{"prediction":9007199254740993}\n');
    const file = await asyncBufferFromFile(await store('big.parquet', predictions as never, about));
    expect(await parquetReadObjects({ file })).toEqual([{ prediction: big }]);
  });

  it('leave no file when they are given up', async () => {
    const writer = await openPredictions(join(folder, 'half.csv'), 'csv', of);
    await writer.write(some);
    writer.abandon();
    expect(readdirSync(folder).filter((name) => name.startsWith('half'))).toEqual([]);
  });
});
