import { byCodePoint } from '../../contract/codepoints.ts';
import { argsort, HIGH, sortScratch } from '../argsort.ts';

/** A multiset of words: each distinct one and how often it occurs, in code-point order. */
export type Tally = readonly (readonly [string, number])[];

/** Adds two multisets of words. */
export function addWords(a: Tally, b: Tally): Tally {
  const sum: (readonly [string, number])[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    const order = byCodePoint(x[0], y[0]);
    if (order === 0) sum.push([x[0], x[1] + y[1]]);
    else sum.push(order < 0 ? x : y);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  for (; i < a.length; i++) sum.push(a[i]!);
  for (; j < b.length; j++) sum.push(b[j]!);
  return sum;
}

/** Counts the members of a multiset of words, repeats included. */
export function countAllWords(tally: Tally): number {
  let sum = 0;
  for (let i = 0; i < tally.length; i++) sum += tally[i]![1];
  return sum;
}

/**
 * A multiset of numbers: each distinct value, in ascending order, and how often it occurs. No value is NaN or -0. Two
 * arrays hold them, because pairs would take five times the memory.
 */
export interface NumberTally {
  readonly distinct: Float64Array;
  readonly times: Float64Array;
}

export const NO_NUMBERS: NumberTally = allocateTally(0);

/** Counts numbers, which must not be NaN or -0. */
export function tallyNumbers(values: Float64Array): NumberTally {
  const order = argsort(values, null, sortScratch(values.length));
  const sorted = new Float64Array(values.length);
  for (let i = 0; i < sorted.length; i++) sorted[i] = values[order[i]!]!;
  return mergeEqual(sorted, new Float64Array(sorted.length).fill(1));
}

/** Adds two multisets of numbers. */
export function addNumbers(a: NumberTally, b: NumberTally): NumberTally {
  const sum = allocateTally(a.distinct.length + b.distinct.length);
  let used = 0;
  let i = 0;
  let j = 0;
  while (i < a.distinct.length || j < b.distinct.length) {
    // Past its end a side is undefined, and every comparison with undefined is false.
    const isLeft = j === b.distinct.length || a.distinct[i]! <= b.distinct[j]!;
    const isRight = i === a.distinct.length || b.distinct[j]! <= a.distinct[i]!;
    sum.distinct[used] = isLeft ? a.distinct[i]! : b.distinct[j]!;
    sum.times[used++] = (isLeft ? a.times[i++]! : 0) + (isRight ? b.times[j++]! : 0);
  }
  return copyFirst(sum, used);
}

/**
 * Makes a multiset from values in ascending order, which may repeat.
 * @param times how often each of them occurs
 */
export function mergeEqual(ascending: Float64Array, times: Float64Array): NumberTally {
  const runs = allocateTally(ascending.length);
  let used = 0;
  for (let i = 0; i < ascending.length; i++) {
    if (used > 0 && runs.distinct[used - 1] === ascending[i]) runs.times[used - 1]! += times[i]!;
    else {
      runs.distinct[used] = ascending[i]!;
      runs.times[used++] = times[i]!;
    }
  }
  return copyFirst(runs, used);
}

/** Counts the members of a multiset of numbers, repeats included. */
export function countMembers({ times }: NumberTally): number {
  return times.reduce((sum, count) => sum + count, 0);
}

function allocateTally(size: number): NumberTally {
  return { distinct: new Float64Array(size), times: new Float64Array(size) };
}

/** Copies the first values, so that the rest of the memory is freed. */
function copyFirst({ distinct, times }: NumberTally, used: number): NumberTally {
  return { distinct: distinct.slice(0, used), times: times.slice(0, used) };
}

/**
 * A multiset of numbers that is kept small. Each value keeps the first `bits` bits of its mantissa; the other bits are
 * zero. With all 52 bits values are exact. With b bits the relative error is below 2^-b.
 */
export interface Buckets {
  readonly bits: number;
  readonly values: NumberTally;
}

/** Bits of mantissa in a float64. */
export const ALL_BITS = 52;

/** The exponent's last bit, counted from the sign, which is bit 0. The mantissa follows. */
const LAST_OF_EXPONENT = 11;

/**
 * Keeps as many bits as possible with at most `limit` distinct values. The result depends on the multiset alone, not
 * on how values are grouped and merged: fewer bits never give more values, and truncating twice equals truncating once
 * to the smaller number of bits. With 0 bits only signs and exponents differ, which gives at most 4095 values.
 */
export function limitBuckets(buckets: Buckets, limit: number): Buckets {
  const { bits, values } = buckets;
  if (values.distinct.length <= limit) return buckets;
  const parting = countPartings(values.distinct);
  let fits = 0;
  let distinct = 1 + parting[0]!;
  while (fits + 1 < bits && distinct + parting[fits + 1]! <= limit) distinct += parting[++fits]!;
  return { bits: fits, values: truncateTally(values, fits) };
}

/** Merges the buckets of two multisets. The merge is associative and commutative. */
export function mergeBuckets(a: Buckets, b: Buckets, limit: number): Buckets {
  const bits = Math.min(a.bits, b.bits);
  const cut = (one: Buckets): NumberTally =>
    one.bits === bits ? one.values : truncateTally(one.values, bits);
  return limitBuckets({ bits, values: addNumbers(cut(a), cut(b)) }, limit);
}

/** Truncates every value. The order is kept, so values that become equal are neighbours. */
function truncateTally({ distinct, times }: NumberTally, bits: number): NumberTally {
  return mergeEqual(truncate(distinct, bits), times);
}

/**
 * Finds for each value how many bits of mantissa distinguish it from the value before it, when both are truncated,
 * and counts the values by this number.
 * @returns the number of values that need so many bits, for 0 to 52 bits
 */
function countPartings(ascending: Float64Array): Uint32Array {
  const counts = new Uint32Array(ALL_BITS + 1);
  const halves = new Uint32Array(ascending.buffer, ascending.byteOffset, 2 * ascending.length);
  for (let i = 2; i < halves.length; i += 2) {
    const [high, highBefore] = [halves[i + HIGH]!, halves[i + HIGH - 2]!];
    const [low, lowBefore] = [halves[i + 1 - HIGH]!, halves[i - 1 - HIGH]!];
    // Truncated to 0 a negative and a positive number are equal, so their signs do not distinguish them.
    const crossesZero = (high ^ highBefore) >>> 31 === 1;
    const top = crossesZero ? (high | highBefore) & 0x7fff_ffff : high ^ highBefore;
    const rest = crossesZero ? low | lowBefore : low ^ lowBefore;
    const bit = top === 0 ? 32 + Math.clz32(rest) : Math.clz32(top);
    counts[Math.max(0, bit - LAST_OF_EXPONENT)]!++;
  }
  return counts;
}

/** Sets all but the first `bits` bits of each number's mantissa to zero; never returns -0. */
export function truncate(values: Float64Array, bits: number): Float64Array {
  const dropped = ALL_BITS - bits;
  const keepLow = dropped >= 32 ? 0 : -1 << dropped;
  const keepHigh = dropped > 32 ? -1 << (dropped - 32) : -1;
  const short = values.slice();
  const halves = new Uint32Array(short.buffer);
  for (let i = 0; i < short.length; i++) {
    halves[2 * i + HIGH]! &= keepHigh;
    halves[2 * i + 1 - HIGH]! &= keepLow;
    // Adding 0 turns -0 into 0.
    short[i]! += 0;
  }
  return short;
}
