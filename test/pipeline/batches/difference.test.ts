import { describe, expect, it } from 'vitest';
import { findFirstChange } from '../../../pipeline/batches/raw-tasks.ts';
import { memoryFiles } from '../files.ts';

/** Where a later text differs from what was known, of batches of two rows in the file's order. */
function changeOf(known: [text: string, skip: number][], whole: string, amended: number[] = []) {
  const files = memoryFiles();
  const of = (path: string, text: string) => {
    files.put(path, text);
    return { path, file: 'data.csv', delimiter: ',' };
  };
  const table = { states: [{ after: 0, rows: 100 }], batchSize: 2, shuffleSeed: null };
  const input = {
    known: known.map(([text, skip], i) => ({ ...of(`known ${i}`, text), skip })),
    whole: of('whole', whole),
    table,
    amended,
  };
  return findFirstChange(input, undefined, { files });
}

describe('a table that may only grow', () => {
  it.each([
    ['x,y\n1,p\n', 'x,z\n1,p\n', 'its columns were x, y and are x, z', null],
    ['x,y\n1,p\n', 'x,y,z\n1,p,\n', 'its columns were x, y and are x, y, z', null],
    ['x,y\n1,p\n2,q\n', 'x,y\n1,p\n2,r\n', 'row 2 was "2,q" and is "2,r"', 1],
    ['x,y\n1,p\n', 'x,y\n1,pq\n', 'row 1 was "1,p" and is "1,pq"', 1],
    [
      `x,y\n${'a'.repeat(78)},p\n`,
      `x,y\n${'a'.repeat(79)},p\n`,
      `row 1 was "${'a'.repeat(78)},p" and is "${'a'.repeat(77)}..."`,
      1,
    ],
    [`x,y\n1,p\n${'b'.repeat(99)},p\n`, 'x,y\n1,p\n', `row 2, "${'b'.repeat(77)}...", is gone`, 1],
    ['x,y\n1,p\n2,q\n3,p\n', 'x,y\n1,p\n2,q\n', 'row 3, "3,p", is gone', 2],
  ])('%j is not %j', (before, after, where, batch) => {
    expect(changeOf([[before, 0]], after)).toEqual({ where, batch });
  });

  it.each([
    ['x,y\n1,p\n', 'x,y\n1,p\n'],
    ['x,y\n1,p\n', 'x,y\r\n"1",p\r\n2,q\r\n3,q\r\n'],
  ])('%j may be %j', (before, after) => {
    expect(changeOf([[before, 0]], after)).toBeNull();
  });

  it('is compared with all its states, those rows left out that each took over', () => {
    const states: [string, number][] = [
      ['x,y\n1,p\n2,q\n', 0],
      ['x,y\n2,q\n3,p\n', 1],
    ];
    expect(changeOf(states, 'x,y\n1,p\n2,q\n3,p\n4,q\n')).toBeNull();
    expect(changeOf(states, 'x,y\n1,p\n2,q\n3,r\n')).toEqual({
      where: 'row 3 was "3,p" and is "3,r"',
      batch: 2,
    });
  });

  it('may have other rows in a batch that was amended, and in no other', () => {
    const before = 'x,y\n1,p\n2,q\n3,p\n4,q\n';
    expect(changeOf([[before, 0]], 'x,y\n1,r\n2,s\n3,p\n4,q\n', [1])).toBeNull();
    expect(changeOf([[before, 0]], 'x,y\n1,r\n2,s\n3,r\n4,q\n', [1])?.batch).toBe(2);
  });
});
