import { byCodePoint } from './codepoints.ts';

/** A multiset: each distinct value and how often it occurs, in ascending order of the values. */
export type Tally<Value> = readonly (readonly [Value, number])[];

/** Counts numbers, which must not be NaN or -0, in numeric order. */
export function tallyNumbers(values: Float64Array): Tally<number> {
  const tally: [number, number][] = [];
  let last: [number, number] | undefined;
  for (const value of values.slice().sort()) {
    if (last?.[0] === value) last[1]++;
    else tally.push((last = [value, 1]));
  }
  return tally;
}

/** Adds two multisets of numbers. */
export function addNumbers(a: Tally<number>, b: Tally<number>): Tally<number> {
  return add(a, b, (x, y) => x - y);
}

/** Adds two multisets of words. */
export function addWords(a: Tally<string>, b: Tally<string>): Tally<string> {
  return add(a, b, byCodePoint);
}

/** The number of members, repeats included. */
export function sizeOf(tally: Tally<unknown>): number {
  let sum = 0;
  for (let i = 0; i < tally.length; i++) sum += tally[i]![1];
  return sum;
}

function add<Value>(
  a: Tally<Value>,
  b: Tally<Value>,
  compare: (x: Value, y: Value) => number,
): Tally<Value> {
  const sum: (readonly [Value, number])[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!;
    const y = b[j]!;
    const order = compare(x[0], y[0]);
    if (order === 0) sum.push([x[0], x[1] + y[1]]);
    else sum.push(order < 0 ? x : y);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  for (; i < a.length; i++) sum.push(a[i]!);
  for (; j < b.length; j++) sum.push(b[j]!);
  return sum;
}
