import { ALL_BITS, bounded, type Buckets } from './buckets.ts';
import { DistinctNumbers } from './distinct-numbers.ts';
import { sortWords } from './sort-words.ts';
import { type Tally, tallyNumbers } from './tally.ts';

/** Bits of mantissa in the high word of a float64. */
const HIGH_BITS = 20;
const SIGN = 0x8000_0000;
/** Which half of a float64 holds its high word on this machine. */
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/**
 * Counts the numbers of a column that are not NaN: `bounded` of their `tallyNumbers`, without a pair for
 * each value. Few distinct ones are counted in a table; many are cut to their high words before anything is
 * sorted, because no more than that is kept of them.
 * @param values never -0
 */
export function countNumbers(values: Float64Array, limit: number): Buckets & { missing: number } {
  const distinct = new DistinctNumbers(limit);
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
  const words = highWords(values, known);
  sortWords(words);
  const { distinct, counts } = runsOf(words);
  if (distinct.length <= limit) return null;
  let fits = 0;
  let tooMany = HIGH_BITS;
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
    if (value === value) words[used++] = toOrder(halves[2 * i + HIGH]!);
  }
  return words;
}

/** The bits of positive floats ascend with their value, those of negative ones descend. */
function toOrder(word: number): number {
  if (word === SIGN) return SIGN;
  return (word < SIGN ? word ^ SIGN : ~word) >>> 0;
}

/** The high word that an ordered one was made of, with so many bits of mantissa; never that of -0. */
function cutWord(order: number, bits: number): number {
  const word = (order >= SIGN ? order ^ SIGN : ~order) >>> 0;
  const dropped = HIGH_BITS - bits;
  const cut = ((word >>> dropped) << dropped) >>> 0;
  return cut === SIGN ? 0 : cut;
}

function runsOf(sorted: Uint32Array): { distinct: Uint32Array; counts: Uint32Array } {
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

function tallyWords(words: Uint32Array, counts: Uint32Array, bits: number): Tally<number> {
  const tally: [number, number][] = [];
  const value = new Float64Array(1);
  const halves = new Uint32Array(value.buffer);
  let last = -1;
  for (let i = 0; i < words.length; i++) {
    const word = cutWord(words[i]!, bits);
    if (word === last) tally[tally.length - 1]![1] += counts[i]!;
    else {
      halves[HIGH] = word;
      tally.push([value[0]!, counts[i]!]);
      last = word;
    }
  }
  return tally;
}
