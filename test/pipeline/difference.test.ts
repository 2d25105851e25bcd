import { describe, expect, it } from 'vitest';
import { CsvReader } from '../../pipeline/csv-reader.ts';
import { checkGrown } from '../../pipeline/difference.ts';
import { firstDifference } from '../../pipeline/raw-tasks.ts';
import { memoryFiles } from './files.ts';

describe('firstDifference', () => {
  it.each([
    ['x,y\n1,p\n', 'x,z\n1,p\n', 'its columns were x, y and are x, z'],
    ['x,y\n1,p\n2,q\n', 'x,y\n1,p\n2,r\n', 'row 2 was "2,q" and is "2,r"'],
    ['x,y\n1,p\n2,q\n', 'x,y\n1,p\n', 'row 2, "2,q", is gone'],
    ['x,y\n1,p\n', 'x,y\n1,p\n2,q\n3,q\n', 'it had 1 rows and has 3'],
    ['x,y\n1,p\n', 'x,y\r\n"1",p\r\n', 'its rows are the same, but written differently'],
  ])('of %j and %j', (before, after, sentence) => {
    const files = memoryFiles();
    files.put('before', before);
    files.put('after', after);
    const of = (path: string) => ({ path, file: 'data.csv', delimiter: ',' });
    const input = { before: of('before'), after: of('after') };
    expect(firstDifference(input, undefined, { files })).toBe(sentence);
  });
});

describe('a table that may grow', () => {
  const grown = (before: string, after: string) =>
    checkGrown(
      new CsvReader([Buffer.from(before)], 'data.csv'),
      new CsvReader([Buffer.from(after)], 'data.csv'),
    );

  it('has all its rows and perhaps more', () => {
    expect(grown('x,y\n1,p\n', 'x,y\n1,p\n')).toBe(1);
    expect(grown('x,y\n1,p\n', 'x,y\n"1",p\n2,q\n3,q\n')).toBe(3);
  });

  it('has none of them changed', () => {
    expect(() => grown('x,y\n1,p\n2,q\n', 'x,y\n1,p\n2,r\n3,q\n')).toThrow(
      'data.csv has changed where it may only grow (row 2 was "2,q" and is "2,r"): put the earlier rows back, or choose a new pipeline name with --pipeline',
    );
  });
});
