import { describe, expect, it } from 'vitest';
import { inspectRaw } from '../../../pipeline/batches/raw-tasks.ts';
import { memoryFiles } from '../files.ts';
import { CELLS } from '../support.ts';

describe('inspectRaw', () => {
  const inspect = (text: string | Buffer, delimiter: string) => {
    const files = memoryFiles(3);
    files.append('raw', Buffer.from(text));
    const about = {
      path: 'raw',
      file: 'data.csv',
      target: 'y',
      declared: {},
      cells: CELLS,
      task: 'classification' as const,
    };
    return inspectRaw({ ...about, delimiter }, undefined, { files });
  };

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
    [Buffer.from('x,y\n1,\u00e9\n', 'latin1'), 'set data.encoding to latin1'],
    [Buffer.from('PK\x03\x04;', 'latin1'), 'data.csv is a zip archive or a workbook'],
    [Buffer.from('\ufeffx;y\n', 'utf16le'), 'data.csv is UTF-16'],
  ])('refuses %j', (text, sentence) => {
    expect(() => inspect(text, ',')).toThrow(sentence);
  });
});
