/** A column with few distinct values. */
export interface Coded {
  /** For each row of a block, its code: the rank of its value among the distinct values. */
  readonly codes: Uint16Array;
  /** For each code, the number of a row in the columns that has its value. */
  readonly samples: Int32Array;
  /** The number of distinct values. */
  readonly values: number;
}

/** The largest number of distinct values of a coded column. With more, sorting costs less than counting. */
export const MOST_VALUES = 1 << 14;
/** A coded column has at least this many rows per count, so that counting costs less than sorting. */
const ROWS_PER_COUNT = 4;
/** A table with fewer rows is sorted at once, because it fits the processor's cache. */
const LEAST_ROWS = 1 << 11;
/** The hash table has this many places per value, so that few values share a place. */
const PLACES = 4;

/**
 * Returns the largest number of distinct values with which a column is coded.
 * @param width the number of counts per value
 */
export function limitValues(rows: number, width: number): number {
  if (rows < LEAST_ROWS) return 0;
  return Math.min(MOST_VALUES, Math.floor(rows / (ROWS_PER_COUNT * width)));
}

/**
 * Codes a column, if it has few distinct values. It takes one pass over the column, and one over the codes.
 * @param column finite values; -0 and 0 are equal
 * @param ids the rows of the column in the order of the block
 * @param most the largest number of distinct values
 * @param codes if given, receives the codes
 * @returns null when there are more distinct values
 */
export function codeColumn(
  column: Float64Array,
  ids: Int32Array,
  most: number,
  codes: Uint16Array = new Uint16Array(ids.length),
): Coded | null {
  if (most === 0) return null;
  const found = new DistinctValues(most);
  const byRow = found.number(column);
  if (byRow === null) return null;
  const { firsts, size } = found;
  const samples = firsts.slice(0, size).sort((a, b) => column[a]! - column[b]!);
  const rankOf = new Uint16Array(size + 1);
  for (let rank = 0; rank < size; rank++) rankOf[byRow[samples[rank]!]!] = rank;
  rankAll(byRow, rankOf, ids, codes);
  return { codes, samples, values: size };
}

/** Writes the rank of each row's value. */
function rankAll(
  byRow: Uint16Array,
  rankOf: Uint16Array,
  ids: Int32Array,
  into: Uint16Array,
): void {
  let i = 0;
  // Four rows per round: the engine's checks of a round take longer than one row.
  for (; i + 3 < ids.length; i += 4) {
    into[i] = rankOf[byRow[ids[i]!]!]!;
    into[i + 1] = rankOf[byRow[ids[i + 1]!]!]!;
    into[i + 2] = rankOf[byRow[ids[i + 2]!]!]!;
    into[i + 3] = rankOf[byRow[ids[i + 3]!]!]!;
  }
  for (; i < ids.length; i++) into[i] = rankOf[byRow[ids[i]!]!]!;
}

/** Numbers distinct values from 1 on, in the order in which they come, in a hash table. */
class DistinctValues {
  size = 0;
  /** The first row of each value. */
  readonly firsts: Int32Array;
  readonly #most: number;
  /** The value of each number; 0 is the number of none. */
  readonly #values: Float64Array;
  /** The number of the value in each place; 0 in an empty place. */
  readonly #places: Uint16Array;
  readonly #shift: number;

  constructor(most: number) {
    const bits = Math.max(4, Math.ceil(Math.log2(PLACES * (most + 1))));
    this.#most = most;
    this.#values = new Float64Array(most + 1);
    this.#values[0] = Number.NaN;
    this.#places = new Uint16Array(1 << bits);
    this.#shift = 32 - bits;
    this.firsts = new Int32Array(most);
  }

  /** Returns the number of each row's value; null when there are too many values. */
  number(column: Float64Array): Uint16Array | null {
    const words = new Int32Array(column.buffer, column.byteOffset, 2 * column.length);
    const numbers = new Uint16Array(column.length);
    const values = this.#values;
    let row = 0;
    // Four rows per round, if the first place of each holds its value, which is usual.
    for (; row + 3 < column.length; row += 4) {
      const one = this.#guess(words, row);
      const two = this.#guess(words, row + 1);
      const three = this.#guess(words, row + 2);
      const four = this.#guess(words, row + 3);
      if (
        values[one] === column[row] &&
        values[two] === column[row + 1] &&
        values[three] === column[row + 2] &&
        values[four] === column[row + 3]
      ) {
        numbers[row] = one;
        numbers[row + 1] = two;
        numbers[row + 2] = three;
        numbers[row + 3] = four;
      } else if (!this.#find(column, words, row, row + 4, numbers)) return null;
    }
    return this.#find(column, words, row, column.length, numbers) ? numbers : null;
  }

  /** Returns the number in the first place of a row's value. */
  #guess(words: Int32Array, row: number): number {
    return this.#places[hash(words[2 * row]!, words[2 * row + 1]!) >>> this.#shift]!;
  }

  /** Numbers some rows. Returns false when there are too many values. */
  #find(
    column: Float64Array,
    words: Int32Array,
    start: number,
    end: number,
    numbers: Uint16Array,
  ): boolean {
    const places = this.#places;
    const values = this.#values;
    const mask = places.length - 1;
    for (let row = start; row < end; row++) {
      const value = column[row]!;
      let place = value === 0 ? 0 : hash(words[2 * row]!, words[2 * row + 1]!) >>> this.#shift;
      let number = places[place]!;
      while (number > 0 && values[number] !== value) {
        place = (place + 1) & mask;
        number = places[place]!;
      }
      if (number === 0) {
        if (this.size === this.#most) return false;
        this.firsts[this.size] = row;
        number = ++this.size;
        values[number] = value;
        places[place] = number;
      }
      numbers[row] = number;
    }
    return true;
  }
}

/** Mixes the two words of a float64. The high bits of the result depend on all bits. */
function hash(one: number, other: number): number {
  const mixed = Math.imul(one ^ Math.imul(other, 0x85eb_ca6b), 0x9e37_79b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2_ae35);
}

/** Sorts rows by code, with scratch that is used again. */
export class CodeSorter {
  readonly #codes: Uint16Array;
  readonly #starts = new Int32Array(MOST_VALUES + 1);
  readonly #ranks = new Int32Array(MOST_VALUES);

  /** @param rows the largest number of rows to sort */
  constructor(rows: number) {
    this.#codes = new Uint16Array(rows);
  }

  /**
   * Sorts some rows; rows of one code keep their order.
   * @param list the rows are those from `start` to `end`
   * @param values the number of codes
   * @param order receives the places of the rows after `start`, sorted
   * @returns the number of codes that occur
   */
  sort(
    codes: Uint16Array,
    list: Int32Array,
    start: number,
    end: number,
    values: number,
    order: Int32Array,
  ): number {
    const starts = this.#starts;
    starts.fill(0, 0, values + 1);
    countCodes(codes, list, start, end, this.#codes, starts);
    const found = sumUp(starts, values, this.#ranks);
    placeRows(this.#codes, end - start, starts, order);
    return found;
  }

  /** Writes for each of the rows sorted last, by its place, the rank of its code among the codes that occur. */
  rank(rows: number, into: Int32Array): void {
    const codes = this.#codes;
    const ranks = this.#ranks;
    for (let i = 0; i < rows; i++) into[i] = ranks[codes[i]!]!;
  }
}

/** Copies the codes of some rows, and counts each code at the place after it. */
function countCodes(
  codes: Uint16Array,
  list: Int32Array,
  start: number,
  end: number,
  into: Uint16Array,
  counts: Int32Array,
): void {
  for (let i = start; i < end; i++) {
    const code = codes[list[i]!]!;
    into[i - start] = code;
    counts[code + 1]!++;
  }
}

/** Turns counts into the start of each code, and ranks the codes that occur. Returns the number of these. */
function sumUp(starts: Int32Array, values: number, ranks: Int32Array): number {
  let at = 0;
  let found = 0;
  for (let code = 0; code < values; code++) {
    const count = starts[code + 1]!;
    ranks[code] = found;
    at += count;
    starts[code + 1] = at;
    if (count > 0) found++;
  }
  return found;
}

function placeRows(codes: Uint16Array, rows: number, starts: Int32Array, order: Int32Array): void {
  for (let i = 0; i < rows; i++) {
    const code = codes[i]!;
    const at = starts[code]!;
    starts[code] = at + 1;
    order[at] = i;
  }
}
