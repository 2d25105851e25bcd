import { ALL_BITS, bounded, type Buckets } from './buckets.ts';
import { DistinctNumbers } from './distinct-numbers.ts';
import { HIGH, HIGH_BITS, orderOf, SIGN, wordOf } from './high-word.ts';
import { countCoarse, FINE, type WordCounts } from './count-coarse.ts';
import { sortWords } from './sort-words.ts';
import { addEqual, type NumberTally, tallyNumbers } from './number-tally.ts';

/** As many values are counted by the first bits of their mantissa rather than sorted. */
const WORTH_COUNTING = 10_000;

/**
 * Counts the numbers of a column that are not NaN: `bounded` of their `tallyNumbers`, without a pair for
 * each value. Few distinct ones are counted in a table; many are cut to their high words, or to less of them,
 * before anything is put in order, because no more than that is kept of them.
 * @param values never -0
 */
export function countNumbers(values: Float64Array, limit: number): Buckets & { missing: number } {
  const distinct = new DistinctNumbers(Math.min(limit, values.length));
  let missing = 0;
  let fits = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== value) missing++;
    else if (fits) fits = distinct.add(value);
  }
  if (fits) return { bits: ALL_BITS, values: distinct.tally(), missing };
  const cut = countHighWords(values, values.length - missing, limit);
  if (cut !== null) return { ...cut, missing };
  const known = values.filter((value) => !Number.isNaN(value));
  return { ...bounded({ bits: ALL_BITS, values: tallyNumbers(known) }, limit), missing };
}

/** The buckets where no bit below the high word can be kept; null where one might. */
function countHighWords(values: Float64Array, known: number, limit: number): Buckets | null {
  const coarse = known < WORTH_COUNTING ? null : countCoarse(values);
  if (coarse !== null && distinctAt(coarse.distinct, FINE) > limit)
    return bucketsOf(coarse, FINE, limit);
  const words = highWords(values, known);
  sortWords(words);
  const runs = runsOf(words);
  return runs.distinct.length > limit ? bucketsOf(runs, HIGH_BITS, limit) : null;
}

/** The buckets of words of which too many differ by so many bits of mantissa. */
function bucketsOf({ distinct, counts }: WordCounts, bits: number, limit: number): Buckets {
  let fits = 0;
  let tooMany = bits;
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (distinctAt(distinct, middle) <= limit) fits = middle;
    else tooMany = middle;
  }
  return { bits: fits, values: tallyWords(distinct, counts, fits) };
}

/** High words as unsigned integers that sort as the floats do; those that stand for -0 are taken for 0. */
function highWords(values: Float64Array, known: number): Uint32Array {
  const halves = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  const words = new Uint32Array(known);
  let used = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === value) words[used++] = orderOf(halves[2 * i + HIGH]!);
  }
  return words;
}

/** The high word that an ordered one was made of, with so many bits of mantissa; never that of -0. */
function cutWord(order: number, bits: number): number {
  const word = wordOf(order);
  const dropped = HIGH_BITS - bits;
  const cut = ((word >>> dropped) << dropped) >>> 0;
  return cut === SIGN ? 0 : cut;
}

function runsOf(sorted: Uint32Array): WordCounts {
  const distinct = new Uint32Array(sorted.length);
  const counts = new Uint32Array(sorted.length);
  let used = 0;
  for (let i = 0; i < sorted.length; i++) {
    const word = sorted[i]!;
    if (used > 0 && distinct[used - 1] === word) counts[used - 1]!++;
    else {
      distinct[used] = word;
      counts[used++] = 1;
    }
  }
  return { distinct: distinct.subarray(0, used), counts };
}

function distinctAt(words: Uint32Array, bits: number): number {
  let distinct = 0;
  let last = -1;
  for (let i = 0; i < words.length; i++) {
    const word = cutWord(words[i]!, bits);
    if (word !== last) distinct++;
    last = word;
  }
  return distinct;
}

function tallyWords(words: Uint32Array, counts: Uint32Array, bits: number): NumberTally {
  const values = new Float64Array(words.length);
  const halves = new Uint32Array(values.buffer);
  for (let i = 0; i < words.length; i++) halves[2 * i + HIGH] = cutWord(words[i]!, bits);
  return addEqual(values, Float64Array.from(counts));
}
