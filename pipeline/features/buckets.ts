import { addEqual, addNumbers, type NumberTally } from './number-tally.ts';

/**
 * A multiset of numbers kept small: each value keeps the first `bits` bits of its mantissa, the rest cut
 * off towards zero. All 52 is exact; with b bits a value is off by less than one part in 2^b.
 */
export interface Buckets {
  readonly bits: number;
  readonly values: NumberTally;
}

/** Bits of mantissa in a float64. */
export const ALL_BITS = 52;

/**
 * Keeps the most bits with which no more than `limit` distinct values are left. That number of bits is
 * a function of the multiset alone: cutting is monotone (fewer bits, fewer values) and cutting twice is
 * cutting once, so however values are grouped and merged, the same buckets come out. With no bits left
 * only signs and exponents differ, 4095 values at most.
 */
export function bounded(buckets: Buckets, limit: number): Buckets {
  const { bits, values } = buckets;
  if (values.distinct.length <= limit) return buckets;
  let fits = 0;
  let tooMany = bits;
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (distinctAt(values, middle) <= limit) fits = middle;
    else tooMany = middle;
  }
  return { bits: fits, values: cutTo(values, fits) };
}

/** The buckets of two multisets together; associative and commutative. */
export function mergeBuckets(a: Buckets, b: Buckets, limit: number): Buckets {
  const bits = Math.min(a.bits, b.bits);
  const cut = (one: Buckets): NumberTally =>
    one.bits === bits ? one.values : cutTo(one.values, bits);
  return bounded({ bits, values: addNumbers(cut(a), cut(b)) }, limit);
}

/** Cuts every value; the order is kept, so values that become equal are neighbours. */
function cutTo({ distinct, times }: NumberTally, bits: number): NumberTally {
  return addEqual(
    distinct.map((value) => truncate(value, bits)),
    times,
  );
}

/** How many distinct values cutting would leave. */
function distinctAt({ distinct: values }: NumberTally, bits: number): number {
  let distinct = 0;
  let last = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    const short = truncate(values[i]!, bits);
    if (short !== last) distinct++;
    last = short;
  }
  return distinct;
}

const scratch = new DataView(new ArrayBuffer(8));

/** A float64 with all but the first `bits` bits of its mantissa zero; never -0. */
export function truncate(value: number, bits: number): number {
  const dropped = ALL_BITS - bits;
  scratch.setFloat64(0, value);
  const low = dropped >= 32 ? 0 : (scratch.getUint32(4) >>> dropped) << dropped;
  scratch.setUint32(4, low);
  if (dropped > 32) {
    const more = dropped - 32;
    scratch.setUint32(0, (scratch.getUint32(0) >>> more) << more);
  }
  return scratch.getFloat64(0) + 0;
}
