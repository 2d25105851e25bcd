import { byCodePoint } from '../../contract/codepoints.ts';

/** A multiset of words: each distinct one and how often it occurs, in code-point order. */
export type Tally = readonly (readonly [string, number])[];

/** Adds two multisets. */
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

/** The number of members, repeats included. */
export function sizeOf(tally: Tally): number {
  let sum = 0;
  for (let i = 0; i < tally.length; i++) sum += tally[i]![1];
  return sum;
}
