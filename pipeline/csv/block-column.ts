import { CellReader } from './cell-reader.ts';
import { numberOf } from './cells.ts';
import type { CsvReader, RowBlock } from './reader.ts';
import { isPlain, type RowHash } from '../batches/row-hash.ts';
import { WordTable } from './word-table.ts';

/** How a cell stands in the split's hash. */
const MISSING = 0;
const CANONICAL = 1;
const NUMBER = 2;
const PLAIN = 3;
const WORD = 4;

/** One column of the block of rows at hand, read at once: the loop over its cells stays small. */
export class BlockColumn {
  readonly name: string;
  readonly isNumber: boolean;
  /** Index in the file; -1 where it lacks the column and every cell is missing. */
  readonly index: number;
  readonly words = new WordTable();
  /** Of every row: the number, NaN where it is missing, or else the word's code, -1 where it is. */
  values = new Float64Array(0);
  codes = new Int32Array(0);
  #kinds = new Uint8Array(0);
  /** The bytes of every cell that stand in the hash as they are. */
  #starts = new Int32Array(0);
  #ends = new Int32Array(0);
  /** By code: whether JSON spells the word as it stands. */
  #plain = new Uint8Array(64);

  constructor(name: string, isNumber: boolean, index: number) {
    this.name = name;
    this.isNumber = isNumber;
    this.index = index;
  }

  /**
   * Reads the cells of the first `rows` rows of a block.
   * @returns the row of the first one that should hold a number and does not; `rows` where all do
   */
  read(block: RowBlock, rows: number, { width }: CsvReader, cells: CellReader): number {
    this.#makeRoom(block.rows);
    if (this.index < 0) return rows;
    return this.isNumber
      ? this.#readNumbers(block, rows, width, cells)
      : this.#readWords(block, rows, width, cells);
  }

  /** Whether a row's cell is. */
  isMissing(row: number): boolean {
    return this.#kinds[row] === MISSING;
  }

  /** Tells a hash the cell of a row. */
  tell(hash: RowHash, block: RowBlock, row: number): void {
    const kind = this.#kinds[row]!;
    if (kind === CANONICAL) {
      hash.canonicalNumber(block.bytes, this.#starts[row]!, this.#ends[row]!);
    } else if (kind >= PLAIN) {
      hash.word(block.bytes, this.#starts[row]!, this.#ends[row]!, kind === PLAIN);
    } else if (kind === NUMBER) hash.number(this.values[row]!);
    else hash.missing();
  }

  #readNumbers(block: RowBlock, rows: number, width: number, cells: CellReader): number {
    const { bytes, cells: bounds } = block;
    const { values } = this;
    const [kinds, starts, ends] = [this.#kinds, this.#starts, this.#ends];
    for (let row = 0, at = 2 * this.index; row < rows; row++, at += 2 * width) {
      const start = bounds[at]!;
      const end = bounds[at + 1]!;
      const sure = cells.isSurelyNumber(bytes, start, end);
      if (!sure && cells.isMissing(bytes, start, end)) {
        values[row] = Number.NaN;
        kinds[row] = MISSING;
      } else if (sure || cells.isPlainNumber(bytes)) {
        values[row] = cells.value;
        kinds[row] = cells.canonicalEnd < 0 ? NUMBER : CANONICAL;
        starts[row] = cells.start;
        ends[row] = cells.canonicalEnd;
      } else {
        const value = numberOf(cells.text(bytes));
        if (value === null) return row;
        values[row] = value;
        kinds[row] = NUMBER;
      }
    }
    return rows;
  }

  #readWords(block: RowBlock, rows: number, width: number, cells: CellReader): number {
    const { bytes, cells: bounds } = block;
    const { codes, words } = this;
    const [kinds, starts, ends] = [this.#kinds, this.#starts, this.#ends];
    for (let row = 0, at = 2 * this.index; row < rows; row++, at += 2 * width) {
      if (cells.isMissing(bytes, bounds[at]!, bounds[at + 1]!)) {
        codes[row] = -1;
        kinds[row] = MISSING;
        continue;
      }
      const known = words.size;
      const code = words.codeOf(bytes, cells.start, cells.end);
      if (words.size > known) this.#note(code, isPlain(bytes, cells.start, cells.end));
      codes[row] = code;
      kinds[row] = this.#plain[code] === 1 ? PLAIN : WORD;
      starts[row] = cells.start;
      ends[row] = cells.end;
    }
    return rows;
  }

  #note(code: number, plain: boolean): void {
    if (code === this.#plain.length) {
      const more = new Uint8Array(2 * code);
      more.set(this.#plain);
      this.#plain = more;
    }
    this.#plain[code] = plain ? 1 : 0;
  }

  #makeRoom(rows: number): void {
    if (rows <= this.#kinds.length) return;
    // What an absent column holds in every row is set once.
    this.values = new Float64Array(this.isNumber ? rows : 0).fill(Number.NaN);
    this.codes = new Int32Array(this.isNumber ? 0 : rows).fill(-1);
    this.#kinds = new Uint8Array(rows).fill(MISSING);
    this.#starts = new Int32Array(rows);
    this.#ends = new Int32Array(rows);
  }
}
