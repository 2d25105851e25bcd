import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../contract/canonical-json.ts';
import {
  type Counts,
  countParts,
  countsFromJson,
  countsToJson,
  mergeCounts,
} from '../../../pipeline/features/counts.ts';
import {
  ALL_BITS,
  limitBuckets,
  countMembers,
  tallyNumbers,
  truncate,
} from '../../../pipeline/features/tally.ts';
import { addCounts } from '../../../pipeline/features/part-tasks.ts';
import {
  csv,
  encode,
  iris,
  irisColumns,
  mixed,
  mixedColumns,
  mixedRows,
  sha256,
} from '../support.ts';

const LIMIT = 5;
const count = (rows: string[][], limit = LIMIT): Counts => {
  const { train, test, counts } = encode(mixed(rows), mixedColumns);
  return countParts(train, test, counts.unlabelled, limit);
};
/** As it is written: what a column counts as pairs. */
const asPairs = ({ train, ...rest }: Counts): unknown => {
  const columns = train.columns.map((column) => {
    if (column.type === 'category') return column;
    const { distinct, times } = column.values;
    return { ...column, values: Array.from(distinct, (value, i) => [value, times[i]]) };
  });
  return { ...rest, train: { ...train, columns } };
};
const merge = (a: Counts, b: Counts): Counts => mergeCounts(a, b, LIMIT);

describe('mergeCounts', () => {
  it('gives what counting all rows at once gives, in buckets too', () => {
    fc.assert(
      fc.property(mixedRows, mixedRows, (a, b) => {
        expect(merge(count(a), count(b))).toEqual(count([...a, ...b]));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same bytes in any order and grouping', () => {
    fc.assert(
      fc.property(mixedRows, mixedRows, mixedRows, (x, y, z) => {
        const [a, b, c] = [count(x), count(y), count(z)];
        const bytes = countsToJson(merge(merge(a, b), c));
        expect(countsToJson(merge(a, merge(b, c)))).toEqual(bytes);
        expect(countsToJson(merge(c, merge(b, a)))).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('may be done in steps, as bytes', () => {
    const bytes = [0, 50, 100].map((from) => {
      const some = iris();
      const rows = some.rows.slice(from, from + 50);
      return countsToJson(
        encode({ ...some, rows }, irisColumns, { target: 'species', testSize: 0.2 }).counts,
      );
    });
    const whole = encode(iris(), irisColumns, { target: 'species', testSize: 0.2 }).counts;
    const { counts: two } = addCounts({ counts: bytes.slice(0, 2), until: 2, target: 'species' });
    expect(addCounts({ counts: [two, bytes[2]!], until: 3, target: 'species' }).counts).toEqual(
      countsToJson(whole),
    );
    expect(addCounts({ counts: bytes, until: 3, target: 'species' }).counts).toEqual(
      countsToJson(whole),
    );
  });

  it('keeps number columns within the limit', () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `${Math.sin(i)},${'pq'[i % 2]}`);
    const columns = [
      { name: 'x', type: 'number' },
      { name: 'y', type: 'category' },
    ] as const;
    const { counts } = encode(csv(`x,y\n${rows.join('\n')}\n`), columns);
    const [x] = counts.train.columns;
    expect(x?.type).toBe('number');
    if (x?.type !== 'number') return;
    expect(x.values.distinct.length).toBeLessThanOrEqual(10_000);
    expect(countMembers(x.values)).toBe(counts.train.rows);
    expect(x.bits).toBeGreaterThanOrEqual(9);
  });

  it('refuses counts of other columns', () => {
    const other = encode(iris(), irisColumns, { target: 'species' }).counts;
    expect(() => merge(count([['0', '1', '1', 'a', 'p']]), other)).toThrow(
      expect.objectContaining({
        name: 'BadData',
        message:
          'the counts of batches with different columns cannot be merged (' +
          'sepal_length (number), sepal_width (number), petal_length (number), petal_width (number); ' +
          'n (number), m (number), c (category)): ' +
          'preprocess the batches again with one schema',
      }),
    );
  });
});

describe('mergeCounts of columns that differ', () => {
  const countOf = (...read: [name: string, type: 'number' | 'category'][]): Counts => {
    const columns = [...read, ['y', 'category'] as const].map(([name, type]) => ({ name, type }));
    return encode(csv('a,b,y\n1,2,p\n'), columns).counts;
  };

  it.each([
    ['the name', countOf(['b', 'number'])],
    ['the type', countOf(['a', 'category'])],
  ])('refuses them where only %s differs', (_, other) => {
    const one = countOf(['a', 'number']);
    expect(() => merge(one, other)).toThrow('of batches with different columns cannot be merged');
    expect(() => merge(other, one)).toThrow('of batches with different columns cannot be merged');
  });
});

describe('countsToJson', () => {
  it('reads back', () => {
    fc.assert(
      fc.property(mixedRows, (rows) => {
        expect(countsFromJson(countsToJson(count(rows)))).toEqual(count(rows));
      }),
    );
  });

  it('is the canonical JSON of the counts', () => {
    fc.assert(
      fc.property(mixedRows, (rows) => {
        expect(Buffer.from(countsToJson(count(rows))).toString()).toBe(
          canonicalJson(asPairs(count(rows))),
        );
      }),
    );
  });

  it('never changes its bytes', () => {
    const { counts } = encode(iris(), irisColumns, { target: 'species', testSize: 0.2 });
    expect(sha256(countsToJson(counts))).toMatchInlineSnapshot(
      `"9b1e61f7dc45cb359f5a0e49b26a08ac522afaafb3b920c86a6323afbd3ff657"`,
    );
  });

  it('refuses another schema and other bytes', () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    expect(() => countsFromJson(bytes('{"schema":2}'), 'the counts of batch 3')).toThrow(
      'the counts of batch 3 has schema 2 where this release reads schema 1: run the release that wrote it, or build the version again',
    );
    expect(() => countsFromJson(bytes('nonsense'), 'the counts of batch 3')).toThrow(
      /^the counts of batch 3 is not JSON/,
    );
  });
});

describe('limitBuckets', () => {
  it('keeps the most bits with which the values are within the limit', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.nat(40).map((i) => 1 + i * Number.EPSILON),
      fc.integer({ min: -20, max: 20 }).map((i) => i * Number.MIN_VALUE + 0),
      fc.integer({ min: -50, max: 50 }).map((i) => i / 8 + 0),
    );
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 200 }),
        fc.integer({ min: 5, max: 40 }),
        (list, limit) => {
          const all = tallyNumbers(Float64Array.from(list));
          const { bits, values } = limitBuckets({ bits: ALL_BITS, values: all }, limit);
          const cutTo = (kept: number) => tallyNumbers(truncate(Float64Array.from(list), kept));
          expect(values).toEqual(cutTo(bits));
          const fits = (kept: number) => cutTo(kept).distinct.length <= limit;
          expect(bits === 0 || fits(bits)).toBe(true);
          expect(bits === ALL_BITS || !fits(bits + 1)).toBe(true);
        },
      ),
    );
  });
});

describe('truncate', () => {
  const cutOne = (value: number, bits: number): number =>
    truncate(Float64Array.of(value), bits)[0]!;

  it('cuts towards zero, and cutting twice is cutting once', () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(value, fc.nat(52), fc.nat(52), (x, a, b) => {
        const cut = cutOne(x, a);
        expect(Math.abs(cut)).toBeLessThanOrEqual(Math.abs(x));
        expect(cutOne(cut, b)).toBe(cutOne(x, Math.min(a, b)));
        expect(Object.is(cut, -0)).toBe(false);
        // Below 2^-1022 a float64 has fewer bits of mantissa to keep.
        const most = Math.max(Math.abs(x), 2 ** -1022) * 2 ** -a;
        expect(Math.abs(x - cut)).toBeLessThanOrEqual(most);
      }),
      { numRuns: 1000 },
    );
    expect(cutOne(0.1, 52)).toBe(0.1);
    expect(cutOne(-1.75, 1)).toBe(-1.5);
  });

  it('keeps the order of values', () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(value, value, fc.nat(52), (x, y, bits) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y)];
        expect(cutOne(low, bits)).toBeLessThanOrEqual(cutOne(high, bits));
      }),
    );
  });
});
