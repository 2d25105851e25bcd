import { HIGH, HIGH_BITS, orderOf } from './high-word.ts';

/** Bits of mantissa told apart: a column of many values is mostly cut to fewer. */
export const FINE = 11;

/** Signs and exponents with counters of their own, at most: 2 MB of them. */
const MOST_HEADS = 256;
const HEADS = 4096;
const PLACES = 1 << FINE;

/** Distinct high words, as {@link orderOf} puts them in order, ascending, and how often each occurs. */
export interface WordCounts {
  readonly distinct: Uint32Array;
  readonly counts: Uint32Array;
}

/**
 * Counts numbers that are not NaN by their sign, exponent and first {@link FINE} bits of mantissa, one counter for
 * each, so that nothing is sorted. Null where there are too many exponents for that.
 */
export function countCoarse(values: Float64Array): WordCounts | null {
  const halves = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  const heads: number[] = [];
  /** Where the counters of each begin; -1 where it has none. */
  const starts = new Int32Array(HEADS).fill(-1);
  let counters = new Uint32Array(32 * PLACES);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) continue;
    const word = halves[2 * i + HIGH]!;
    const head = word >>> HIGH_BITS;
    if (starts[head]! < 0) {
      if (heads.length === MOST_HEADS) return null;
      starts[head] = heads.length * PLACES;
      heads.push(head);
      if (heads.length * PLACES > counters.length) counters = doubled(counters);
    }
    counters[starts[head]! + ((word >>> (HIGH_BITS - FINE)) & (PLACES - 1))]!++;
  }
  return inOrder(heads, starts, counters);
}

function inOrder(heads: number[], starts: Int32Array, counters: Uint32Array): WordCounts {
  const distinct = new Uint32Array(heads.length * PLACES);
  const counts = new Uint32Array(heads.length * PLACES);
  const first = (head: number): number => (head << HIGH_BITS) >>> 0;
  // Negative numbers, whose heads have the sign bit, come first and in reverse.
  const rank = (head: number): number => (head < HEADS / 2 ? head : -1 - head);
  heads.sort((a, b) => rank(a) - rank(b));
  let used = 0;
  for (const head of heads) {
    const isNegative = head >= HEADS / 2;
    for (let i = 0; i < PLACES; i++) {
      const place = isNegative ? PLACES - 1 - i : i;
      const count = counters[starts[head]! + place]!;
      if (count === 0) continue;
      const order = orderOf((first(head) | (place << (HIGH_BITS - FINE))) >>> 0);
      if (used > 0 && distinct[used - 1] === order) used--; // what -0 stood for
      distinct[used] = order;
      counts[used++]! += count;
    }
  }
  return { distinct: distinct.subarray(0, used), counts: counts.subarray(0, used) };
}

function doubled(counters: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(2 * counters.length);
  more.set(counters);
  return more;
}
