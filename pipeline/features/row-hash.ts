import { hash } from 'node:crypto';
import type { Column as ArrowColumn } from '@uwdata/flechette';
import { readFeatures } from './part.ts';

/**
 * The hashes of the rows of a part, 64 bits each, in two halves. A row's hash is made of its feature cells and the names
 * of their columns, without the label. Missing cells and parts of dates have no effect on it. So a row of a batch has
 * the same hash in every version: with a column that was added later, and with other parts of dates.
 */
export interface RowHashes {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/**
 * Hashes the rows of a part. Two cells of a column never have the same hash, and the hashes of a row's cells are added
 * up, so that the order of the columns has no effect.
 * @param bytes an Arrow file
 * @param derived the names of the features that are parts of dates
 */
export function hashRows(bytes: Uint8Array, derived: ReadonlySet<string>): RowHashes {
  const { rows, features } = readFeatures(bytes);
  const hashes = { low: new Uint32Array(rows), high: new Uint32Array(rows) };
  for (const { name, column } of features) {
    if (derived.has(name)) continue;
    const [lowSeed, highSeed] = hashText(name);
    const words = new Map<object, Uint32Array>();
    let from = 0;
    for (const batch of column.data as unknown as Cells[]) {
      addColumn(hashes, from, batch, { lowSeed, highSeed, ...readValues(batch, words) });
      from += batch.length;
    }
  }
  return hashes;
}

/** Adds the hashes of the cells of a column to those of the rows. Its loop runs once for each cell of all train rows. */
function addColumn(
  { low, high }: RowHashes,
  from: number,
  batch: Cells,
  {
    lowSeed,
    highSeed,
    halves,
    places,
  }: { lowSeed: number; highSeed: number; halves: Uint32Array; places: Int32Array | undefined },
): void {
  const { length, nullCount } = batch;
  for (let i = 0; i < length; i++) {
    if (nullCount > 0 && !batch.isValid(i)) continue;
    const at = 2 * (places === undefined ? i : places[i]!);
    // The function of the two halves can be inverted, so that different cells have different hashes.
    const first = mix(halves[at]! ^ lowSeed);
    const second = mix(halves[at + 1]! ^ highSeed ^ first);
    low[from + i]! += second;
    high[from + i]! += mix(first + Math.imul(second, 0x9e3779b1));
  }
}

/** One record batch of a column, as the library has it in memory. */
interface Cells {
  length: number;
  nullCount: number;
  values: Float64Array | Int32Array;
  dictionary?: ArrowColumn<string>;
  isValid: (row: number) => boolean;
}

/**
 * Returns the 64 bits of each value in two halves and, for words, the place of the word of each row among them.
 * @param words the values of the dictionaries that were read before
 */
function readValues(
  { values, dictionary, length }: Cells,
  words: Map<object, Uint32Array>,
): { halves: Uint32Array; places: Int32Array | undefined } {
  if (dictionary === undefined) {
    // Adding 0 makes −0 the same as 0. A copy is always aligned, and the bytes of the file may not be.
    const numbers = new Float64Array(length);
    for (let i = 0; i < length; i++) numbers[i] = values[i]! + 0;
    return { halves: new Uint32Array(numbers.buffer), places: undefined };
  }
  const halves =
    words.get(dictionary) ?? Uint32Array.from([...dictionary].flatMap((word) => hashText(word!)));
  words.set(dictionary, halves);
  return { halves, places: values as Int32Array };
}

/** The first 64 bits of the SHA-256 of a text. */
function hashText(text: string): [low: number, high: number] {
  const digest = hash('sha256', text, 'buffer');
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** The last step of MurmurHash3, which spreads every bit over all 32. */
export function mix(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** Finds the rows of some parts that have the same hash as a train row. */
export class TrainedRows {
  /** The place of the first row with a hash, plus 1, in a table of open addressing; 0 where there is none. */
  readonly #table: Uint32Array;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  /** For each row, the first row with its hash. */
  readonly #first: Uint32Array;
  readonly #trained: Uint8Array;
  readonly #sizes: readonly number[];

  constructor(parts: readonly RowHashes[]) {
    this.#sizes = parts.map(({ low }) => low.length);
    const rows = this.#sizes.reduce((sum, size) => sum + size, 0);
    [this.#low, this.#high] = [new Uint32Array(rows), new Uint32Array(rows)];
    let from = 0;
    for (const { low, high } of parts) {
      this.#low.set(low, from);
      this.#high.set(high, from);
      from += low.length;
    }
    this.#table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * rows + 2)));
    this.#trained = new Uint8Array(rows);
    this.#first = this.#low.map((low, row) => {
      const slot = this.#findSlot(low, this.#high[row]!);
      this.#table[slot] ||= row + 1;
      return this.#table[slot] - 1;
    });
  }

  /** Marks the rows that have the hash of one of these train rows. */
  mark({ low, high }: RowHashes): void {
    for (let i = 0; i < low.length; i++) {
      const found = this.#table[this.#findSlot(low[i]!, high[i]!)]!;
      if (found > 0) this.#trained[found - 1] = 1;
    }
  }

  /** For each part, 1 for each row that is marked, and 0 for each other row. */
  flags(): Uint8Array[] {
    const flags = Uint8Array.from(this.#first, (first) => this.#trained[first]!);
    let from = 0;
    return this.#sizes.map((size) => flags.subarray(from, (from += size)));
  }

  /** The slot of a hash, or the empty slot where it would be. */
  #findSlot(low: number, high: number): number {
    const last = this.#table.length - 1;
    for (let slot = low & last; ; slot = (slot + 1) & last) {
      const found = this.#table[slot]!;
      if (found === 0 || (this.#low[found - 1] === low && this.#high[found - 1] === high))
        return slot;
    }
  }
}
