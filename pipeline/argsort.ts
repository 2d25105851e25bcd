/** Buffers for sorting columns of one length. Each column uses them again. */
export interface SortScratch {
  readonly keys: Float64Array;
  readonly words: readonly [Uint32Array, Uint32Array];
  readonly spare: Int32Array;
  /** Whether two of the values that were sorted last may be equal. */
  hasEqual: boolean;
}

const BITS = 11;
const BUCKETS = 1 << BITS;
const SIGN = 0x8000_0000;
/** The half of a float64 that holds its high word on this machine. */
export const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;
/** The range from the least to the greatest value has this many places. A place takes two digits. */
const PLACES = (1 << (2 * BITS)) - 1;
/** Insertion sort repairs a run of equal high words up to this long. */
const SHORT_RUN = 24;

export function sortScratch(rows: number): SortScratch {
  return {
    keys: new Float64Array(rows),
    words: [new Uint32Array(rows), new Uint32Array(rows)],
    spare: new Int32Array(rows),
    hasEqual: true,
  };
}

/**
 * Returns the order that sorts values ascending; equal values keep their order. It is a radix sort by digits of 11
 * bits, the lowest first. Values that are spread over their range are sorted by their place in it, with two digits.
 * Other values are sorted by the high word of their float64 (sign, exponent, 20 bits of the mantissa), with three
 * digits. Either way sorts most data except short runs, which are repaired in place. Only if long runs are left,
 * the low word is sorted too. Digits that all values share are skipped.
 * @param values no NaN; -0 and 0 are equal
 * @param rows if given, value i is `values[rows[i]]`
 * @param into if given, receives the result
 * @returns the numbers i of all values, sorted
 */
export function argsort(
  values: Float64Array,
  rows: Int32Array | null,
  scratch: SortScratch,
  into: Int32Array = new Int32Array(scratch.keys.length),
): Int32Array {
  const { keys } = scratch;
  // Adding 0 turns -0 into 0.
  if (rows === null) for (let i = 0; i < keys.length; i++) keys[i] = values[i]! + 0;
  else for (let i = 0; i < keys.length; i++) keys[i] = values[rows[i]!]! + 0;
  const order = ascending(into);
  if (takePlaces(scratch)) {
    sortByWords(2 * BITS, order, scratch);
    if (repairRuns(scratch, order)) return order;
    ascending(order);
  }
  sortByWord(HIGH, order, scratch);
  if (repairRuns(scratch, order)) return order;
  sortByWord(1 - HIGH, ascending(order), scratch);
  sortByWord(HIGH, order, scratch);
  scratch.hasEqual = true;
  return order;
}

/** Fills an array with 0, 1, 2, … */
export function ascending(numbers: Int32Array): Int32Array {
  for (let i = 0; i < numbers.length; i++) numbers[i] = i;
  return numbers;
}

/** Sorts an order in place by one word of each key, stably. */
function sortByWord(word: number, order: Int32Array, scratch: SortScratch): void {
  takeWords(scratch.keys, word, order, scratch.words[0]);
  sortByWords(32, order, scratch);
}

/** Sorts an order in place and stably by words of `bits` bits. Word i belongs to entry i of the order. */
function sortByWords(bits: number, order: Int32Array, scratch: SortScratch): void {
  let [words, nextWords] = scratch.words;
  let [from, to] = [order, scratch.spare];
  for (let shift = 0; shift < bits; shift += BITS) {
    const starts = findBuckets(words, shift);
    if (starts === null) continue;
    for (let i = 0; i < words.length; i++) {
      const key = words[i]!;
      const digit = (key >>> shift) & (BUCKETS - 1);
      const at = starts[digit]!;
      starts[digit] = at + 1;
      nextWords[at] = key;
      to[at] = from[i]!;
    }
    [words, nextWords, from, to] = [nextWords, words, to, from];
  }
  if (from !== order) order.set(from);
}

/** Computes the place of each key in the range of all keys. Returns false when float64 cannot express it. */
function takePlaces({ keys, words: [places] }: SortScratch): boolean {
  let least = Infinity;
  let greatest = -Infinity;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (key < least) least = key;
    if (key > greatest) greatest = key;
  }
  const scale = PLACES / (greatest - least);
  if (!(scale > 0 && scale < Infinity)) return false;
  // Subtracting, multiplying and rounding down keep greater values greater, or make them equal.
  for (let i = 0; i < keys.length; i++) places[i] = (keys[i]! - least) * scale;
  return true;
}

/** Computes one word of each key as an unsigned integer that sorts like the floats. */
function takeWords(keys: Float64Array, word: number, order: Int32Array, into: Uint32Array): void {
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
  const lift = word === HIGH ? SIGN : 0;
  for (let i = 0; i < order.length; i++) {
    const at = 2 * order[i]!;
    // The bits of positive floats ascend with their value. The bits of negative floats descend.
    const flip = (halves[at + HIGH]! & SIGN) === 0 ? lift : -1;
    into[i] = halves[at + word]! ^ flip;
  }
}

/** Returns the start of each digit's bucket; null when all words have the same digit. */
function findBuckets(words: Uint32Array, shift: number): Int32Array | null {
  const starts = new Int32Array(BUCKETS);
  for (let i = 0; i < words.length; i++) starts[(words[i]! >>> shift) & (BUCKETS - 1)]!++;
  let at = 0;
  for (let digit = 0; digit < BUCKETS; digit++) {
    const count = starts[digit]!;
    if (count === words.length) return null;
    starts[digit] = at;
    at += count;
  }
  return starts;
}

/** Sorts an order that is nearly sorted, by insertion. Returns false, with the order partly sorted, when it is not. */
function repairRuns(scratch: SortScratch, order: Int32Array): boolean {
  const { keys } = scratch;
  let previous = Number.NEGATIVE_INFINITY;
  let hasEqual = false;
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    const key = keys[row]!;
    if (key > previous) {
      previous = key;
      continue;
    }
    let at = i;
    while (at > 0 && keys[order[at - 1]!]! > key) {
      order[at] = order[at - 1]!;
      at--;
    }
    order[at] = row;
    if (at > 0 && key === keys[order[at - 1]!]) hasEqual = true;
    if (i - at > SHORT_RUN) return false;
  }
  scratch.hasEqual = hasEqual;
  return true;
}
