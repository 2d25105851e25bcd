import type { Buffer } from 'node:buffer';

const CR = 13;
const LF = 10;
const QUOTE = 34;

/** The most columns of a table. Each needs separate memory in every stage, and a line in the ledger. */
export const MOST_COLUMNS = 50_000;

/** An error in the text, and how far the text was read to find it. */
export interface Fault {
  readonly kind: 'unclosed' | 'quote' | 'blank' | 'ragged' | 'wide';
  /** Offset of the row with the error, and of the first byte not read. */
  readonly row: number;
  readonly end: number;
  /** The line to name in the error. For a quote in the middle of a cell it is the line of the quote. */
  readonly line: number;
  /** Number of cells in the row, if that number is wrong. */
  readonly cells: number;
}

/**
 * Finds rows and cells in the bytes of comma-separated text. The results are in flat arrays, which the next
 * scan overwrites. No object and no string is created for a cell.
 */
export class RowScanner {
  /** [start, end) of every cell, row by row, without its quotes and with doubled quotes made single. */
  cells = new Int32Array(1 << 16);
  /** [start, end) of every row, without its line break. */
  bounds = new Int32Array(1 << 12);
  /** The line on which each row starts. */
  lines = new Float64Array(1 << 11);
  /** 1 for a row with a cell in quotes. */
  quoted = new Uint8Array(1 << 11);
  rows = 0;
  /** Number of cells in a row; 0 until the header is read. */
  width = 0;
  fault: Fault | undefined;
  /** The line on which the next row starts. */
  line = 1;
  #blanks = 0;
  readonly #delimiter: number;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  /**
   * Finds the rows that end before `to`. Until the header is read, it finds only the header. Blank lines at
   * the end of the text are skipped.
   * @param final whether the text ends at `to`
   * @returns the offset after the last row found
   */
  scan(bytes: Buffer, from: number, to: number, final: boolean): number {
    const delimiter = this.#delimiter;
    const plain = Math.max(QUOTE, delimiter); // no byte above this one ends a cell
    let { cells } = this;
    let used = 0;
    let at = from;
    this.rows = 0;
    this.fault = undefined;
    while (at < to) {
      const row = at;
      const first = bytes[at]!;
      if (first === LF || first === CR) {
        if (first === CR && at + 1 === to && !final) return row;
        at += first === CR && at + 1 < to && bytes[at + 1] === LF ? 2 : 1;
        this.#blanks++;
        this.line++;
        continue;
      }
      if (this.#blanks > 0) {
        if (this.width !== 1) return this.#fail('blank', row, row, this.line - this.#blanks);
        // In a table of one column each blank line is a row with an empty cell.
        for (let line = this.line - this.#blanks; line < this.line; line++) {
          if (used + 2 > cells.length) this.cells = cells = doubleLength(cells);
          cells[used++] = row;
          cells[used++] = row;
          this.#addRow(row, row, line, 0);
        }
        this.#blanks = 0;
      }
      const began = used;
      let breaks = 0;
      let quoted = 0;
      let doubled = false;
      for (;;) {
        let start = at;
        let end = at;
        let byte = -1;
        if (at < to && bytes[at] === QUOTE) {
          quoted = 1;
          start = end = at + 1;
          for (;;) {
            if (end === to) {
              return final ? this.#fail('unclosed', row, to, this.line) : row;
            }
            byte = bytes[end]!;
            if (byte === QUOTE) {
              if (end + 1 === to && !final) return row;
              if (end + 1 === to || bytes[end + 1] !== QUOTE) break;
              doubled = true;
              end++;
            } else if (byte === LF || (byte === CR && bytes[end + 1] !== LF)) breaks++;
            end++;
          }
          at = end + 1;
          byte = at < to ? bytes[at]! : -1;
          if (byte !== -1 && byte !== delimiter && byte !== LF && byte !== CR) {
            return this.#fail('quote', row, at, this.line + breaks);
          }
        } else {
          while (at < to) {
            byte = bytes[at]!;
            if (byte <= plain) {
              if (byte === delimiter || byte === LF || byte === CR) break;
              if (byte === QUOTE) return this.#fail('quote', row, at, this.line + breaks);
            }
            at++;
          }
          end = at;
        }
        if (at === to && !final) return row;
        if (used + 2 > cells.length) {
          if (this.width === 0 && used > 2 * MOST_COLUMNS) break; // the header is refused below
          this.cells = cells = doubleLength(cells);
        }
        cells[used++] = start;
        cells[used++] = end;
        if (at === to || byte !== delimiter) break;
        at++;
      }
      const end = at;
      if (at < to) {
        if (bytes[at] === CR && at + 1 === to && !final) return row;
        at += bytes[at] === CR && at + 1 < to && bytes[at + 1] === LF ? 2 : 1;
      }
      const width = (used - began) >> 1;
      if (doubled) unescape(bytes, cells, began, used);
      if (this.width === 0) {
        if (width > MOST_COLUMNS) return this.#fail('wide', row, at, this.line);
        this.width = width;
        this.line += 1 + breaks;
        return at;
      }
      if (width !== this.width) return this.#fail('ragged', row, end, this.line, width);
      this.#addRow(row, end, this.line, quoted);
      this.line += 1 + breaks;
    }
    return at;
  }

  #addRow(start: number, end: number, line: number, quoted: number): void {
    const { rows } = this;
    if (2 * rows + 2 > this.bounds.length) {
      this.bounds = doubleLength(this.bounds);
      this.lines = doubleLength(this.lines);
      this.quoted = doubleLength(this.quoted);
    }
    this.bounds[2 * rows] = start;
    this.bounds[2 * rows + 1] = end;
    this.lines[rows] = line;
    this.quoted[rows] = quoted;
    this.rows++;
  }

  #fail(kind: Fault['kind'], row: number, end: number, line: number, cells = 0): number {
    this.fault = { kind, row, end, line, cells };
    return row;
  }
}

/** Makes doubled quotes single within each cell. The bytes that are left over become spaces after the cell. */
function unescape(bytes: Buffer, cells: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i += 2) {
    const end = cells[i + 1]!;
    let write = cells[i]!;
    for (let read = write; read < end; read++) {
      const byte = bytes[read]!;
      bytes[write++] = byte;
      if (byte === QUOTE) read++;
    }
    bytes.fill(32, write, end);
    cells[i + 1] = write;
  }
}

function doubleLength<Numbers extends Int32Array | Float64Array | Uint8Array>(
  numbers: Numbers,
): Numbers {
  const more = new (numbers.constructor as new (length: number) => Numbers)(numbers.length * 2);
  more.set(numbers);
  return more;
}
