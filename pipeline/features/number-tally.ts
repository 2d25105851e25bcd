/**
 * A multiset of numbers in arrays, for as pairs they would take five times the memory: each distinct value, in
 * ascending order, and how often it occurs. None is NaN or -0.
 */
export interface NumberTally {
  readonly distinct: Float64Array;
  readonly times: Float64Array;
}

export const NO_NUMBERS: NumberTally = tallyOf(0);

/** Counts numbers, which must not be NaN or -0. */
export function tallyNumbers(values: Float64Array): NumberTally {
  const sorted = values.slice().sort();
  return addEqual(sorted, new Float64Array(sorted.length).fill(1));
}

/** Adds two multisets. */
export function addNumbers(a: NumberTally, b: NumberTally): NumberTally {
  const sum = tallyOf(a.distinct.length + b.distinct.length);
  let used = 0;
  let i = 0;
  let j = 0;
  while (i < a.distinct.length || j < b.distinct.length) {
    // Past its end a side has undefined, which no comparison finds the lesser.
    const isLeft = j === b.distinct.length || a.distinct[i]! <= b.distinct[j]!;
    const isRight = i === a.distinct.length || b.distinct[j]! <= a.distinct[i]!;
    sum.distinct[used] = isLeft ? a.distinct[i]! : b.distinct[j]!;
    sum.times[used++] = (isLeft ? a.times[i++]! : 0) + (isRight ? b.times[j++]! : 0);
  }
  return firstOf(sum, used);
}

/**
 * The multiset of values in ascending order in which the same one may come again.
 * @param times how often each occurs
 */
export function addEqual(ascending: Float64Array, times: Float64Array): NumberTally {
  const runs = tallyOf(ascending.length);
  let used = 0;
  for (let i = 0; i < ascending.length; i++) {
    if (used > 0 && runs.distinct[used - 1] === ascending[i]) runs.times[used - 1]! += times[i]!;
    else {
      runs.distinct[used] = ascending[i]!;
      runs.times[used++] = times[i]!;
    }
  }
  return firstOf(runs, used);
}

/** The number of members, repeats included. */
export function membersOf({ times }: NumberTally): number {
  return times.reduce((sum, count) => sum + count, 0);
}

function tallyOf(size: number): NumberTally {
  return { distinct: new Float64Array(size), times: new Float64Array(size) };
}

/** In memory of its own size. */
function firstOf({ distinct, times }: NumberTally, used: number): NumberTally {
  return { distinct: distinct.slice(0, used), times: times.slice(0, used) };
}
