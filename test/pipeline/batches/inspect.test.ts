import { describe, expect, it } from 'vitest';
import { inspectRaw } from '../../../pipeline/batches/raw-tasks.ts';
import { memoryFiles } from '../files.ts';
import { CELLS } from '../support.ts';

describe('inspectRaw', () => {
  const about = {
    file: 'data.csv',
    target: 'y',
    declared: {},
    cells: CELLS,
    task: 'classification' as const,
  };
  const inspect = (text: string | Buffer, delimiter: string) => {
    const files = memoryFiles(3);
    files.append('raw', Buffer.from(text));
    return inspectRaw({ ...about, path: 'raw', delimiter }, undefined, { files });
  };

  it('reads bytes like the file that holds them', () => {
    const text = 'x;y\n1;p\n2;q\n';
    const files = memoryFiles();
    const bytes = Buffer.from(text);
    const found = inspectRaw({ ...about, bytes, delimiter: ';' }, undefined, { files });
    expect(found).toEqual(inspect(text, ';'));
    expect(() => inspectRaw({ ...about, bytes, delimiter: ',' }, undefined, { files })).toThrow(
      'set data.delimiter to ";"',
    );
  });

  it('reads no more than 64 KB to recognise a delimiter, and reports how much it has read', () => {
    const files = memoryFiles(30_000);
    files.put('raw', `x,y\n${'1,p\n'.repeat(30_000)}`);
    const pieces: number[] = [];
    const read = function* (path: string): Generator<Uint8Array> {
      const call = pieces.push(0) - 1;
      for (const piece of files.read(path)) {
        pieces[call]!++;
        yield piece;
      }
    };
    const shares: number[] = [];
    const report = (share: number): void => void shares.push(share);
    const input = { ...about, path: 'raw', delimiter: ',' };
    inspectRaw(input, report, { files: { ...files, read } });
    expect(pieces).toEqual([3, 5]);
    const size = 120_004;
    expect(shares).toEqual([30_000 / size, 60_000 / size, 90_000 / size, 120_000 / size, 1]);
  });

  it('cuts cells at the delimiter it is given', () => {
    expect(inspect('x;y\n1;p,q\n2;r\n', ';')).toMatchObject({
      columns: [
        { name: 'x', type: 'number' },
        { name: 'y', type: 'category' },
      ],
      rows: 2,
    });
  });

  it.each([
    [
      'x;y\n1;2\n',
      'data.csv has a single column, "x;y", when it is split at ",": set data.delimiter to ";"',
    ],
    [
      'first name;y\n1;2\n',
      'data.csv has a single column, "first name;y", when it is split at ",": set data.delimiter to ";"',
    ],
    [Buffer.from('x,y\n1,\u00e9\n', 'latin1'), 'set data.encoding to latin1'],
    [Buffer.from('PK\x03\x04;', 'latin1'), 'data.csv is a zip archive or a workbook'],
    [Buffer.from('\ufeffx;y\n', 'utf16le'), 'data.csv is UTF-16'],
  ])('refuses %j', (text, sentence) => {
    expect(() => inspect(text, ',')).toThrow(sentence);
  });
});
