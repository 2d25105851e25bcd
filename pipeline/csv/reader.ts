import { Buffer, isAscii } from 'node:buffer';
import { BadData } from '../../contract/failures.ts';
import {
  checkNames,
  hasByteOrderMark,
  isText,
  makeFaultError,
  makeTextError,
  refuseOtherFormats,
} from './refuse.ts';
import { RowScanner } from './scan.ts';

/** Bytes read at a time. The bytes, rows and cell offsets of a block fit in the processor's cache. */
const BLOCK = 1 << 18;

/** Bytes of the longest row. A longer one comes from a quote that is never closed. */
const LONGEST_ROW = 1 << 26;

/** A block of rows, as offsets into `bytes`. It is valid until the next block is read. */
export interface RowBlock {
  readonly bytes: Buffer;
  readonly rows: number;
  /** Number of the first row in the file, from 1. */
  readonly firstRow: number;
  /** The [start, end) of cell c of row r is at index 2·(r·width + c). */
  readonly cells: Int32Array;
  /** The [start, end) of row r, without its line break, is at index 2·r. */
  readonly bounds: Int32Array;
  /** The line of the file, from 1, on which each row starts. */
  readonly lines: Float64Array;
  /** 1 for a row with a cell in quotes. */
  readonly quoted: Uint8Array;
}

/**
 * Reads delimited UTF-8 text. A byte order mark is optional, and lines end with LF, CRLF or CR. Memory does not
 * grow with the file. Cells are kept verbatim, column names are trimmed, and blank lines at the end are skipped.
 * The first error in the file is thrown. It does not depend on the size of the chunks.
 */
export class CsvReader {
  readonly file: string;
  /** The columns' names. */
  readonly header: readonly string[];
  /** Rows read so far. */
  rows = 0;
  readonly #chunks: Iterator<Uint8Array>;
  readonly #scanner: RowScanner;
  #bytes: Buffer;
  #from = 0;
  #to = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #ended = false;

  /**
   * Reads the header.
   * @param file name used in errors
   * @param options.delimiter one ASCII character that is not a quote, line break, letter or digit
   * @param options.block bytes read at a time, at least 4
   * @throws BadData when the text is not such a table; the error names the file and, if known, the line
   */
  constructor(
    chunks: Iterable<Uint8Array>,
    file: string,
    { delimiter = ',', block = BLOCK }: { delimiter?: string; block?: number } = {},
  ) {
    this.file = file;
    this.#bytes = Buffer.allocUnsafe(block);
    this.#chunks = chunks[Symbol.iterator]();
    this.#scanner = new RowScanner(delimiter.charCodeAt(0));
    this.#fill();
    refuseOtherFormats(this.#bytes.subarray(0, Math.min(4, this.#to)), file);
    if (hasByteOrderMark(this.#bytes.subarray(0, this.#to))) this.#from = 3;
    this.header = this.#readHeader();
    checkNames(this.header, file);
  }

  get width(): number {
    return this.header.length;
  }

  /**
   * Reads the rows, one block at a time.
   * @throws BadData like the constructor, or when there is no row
   */
  *blocks(): Generator<RowBlock> {
    const scanner = this.#scanner;
    while (!this.#ended || this.#from < this.#to) {
      const from = this.#from;
      const consumed = scanner.scan(this.#bytes, from, this.#to, this.#ended);
      const failure = this.#check(from, consumed);
      if (scanner.rows > 0) {
        const { rows, cells, bounds, lines, quoted } = scanner;
        const firstRow = this.rows + 1;
        this.rows += rows;
        yield { bytes: this.#bytes, rows, firstRow, cells, bounds, lines, quoted };
      }
      if (failure !== undefined) throw failure;
      this.#from = consumed;
      if (!this.#ended) this.#fill();
    }
    if (this.rows === 0) {
      throw new BadData(`${this.file} holds a header and no rows: add at least one row`);
    }
  }

  #readHeader(): string[] {
    const scanner = this.#scanner;
    for (;;) {
      const from = this.#from;
      const consumed = scanner.scan(this.#bytes, from, this.#to, this.#ended);
      const read = scanner.width > 0;
      if (read && !isText(this.#bytes.subarray(from, consumed)))
        throw makeTextError(this.#bytes.subarray(from, consumed), 1, this.file);
      const failure = this.#check(from, from);
      if (failure !== undefined) throw failure;
      if (read) {
        this.#from = consumed;
        const { width } = scanner;
        return Array.from({ length: width }, (_, i) =>
          this.#bytes.toString('utf8', scanner.cells[2 * i], scanner.cells[2 * i + 1]).trim(),
        );
      }
      if (this.#ended)
        throw new BadData(`${this.file} is empty: it needs a header and at least one row`);
      this.#from = consumed;
      this.#fill();
    }
  }

  /** Drops the first row that is not text and all rows after it. Returns the error of the first row that is dropped. */
  #check(from: number, consumed: number): BadData | undefined {
    const scanner = this.#scanner;
    const { fault, bounds, lines } = scanner;
    if (!isText(this.#bytes.subarray(from, consumed))) {
      for (let row = 0; row < scanner.rows; row++) {
        const bytes = this.#bytes.subarray(bounds[2 * row], bounds[2 * row + 1]);
        if (isText(bytes)) continue;
        scanner.rows = row;
        return makeTextError(bytes, lines[row]!, this.file);
      }
    }
    if (fault === undefined) return undefined;
    const bytes = this.#bytes.subarray(fault.row, fault.end);
    return isText(bytes)
      ? makeFaultError(fault, scanner.width, this.file)
      : makeTextError(bytes, scanner.line, this.file);
  }

  /** Moves the bytes that are not read yet to the start of the buffer, and fills the rest of it. */
  #fill(): void {
    const left = this.#to - this.#from;
    if (left > LONGEST_ROW) {
      throw new BadData(
        `${this.file}: the row on line ${this.#scanner.line} goes on for more than ${LONGEST_ROW >> 20} MB, as after a ` +
          'quote that is never closed: add the closing quote',
      );
    }
    const before = this.#bytes;
    // The buffer doubles, so that a long row is scanned only a few times.
    if (left > before.length / 2) this.#bytes = Buffer.allocUnsafe(before.length * 2);
    before.copy(this.#bytes, 0, this.#from, this.#to);
    this.#from = 0;
    this.#to = left;
    while (!this.#ended && this.#to < this.#bytes.length) {
      if (this.#chunk.length === 0) {
        const next = this.#chunks.next();
        if (next.done === true) this.#ended = true;
        else this.#chunk = next.value;
        continue;
      }
      const piece = this.#chunk.subarray(0, this.#bytes.length - this.#to);
      this.#bytes.set(piece, this.#to);
      this.#to += piece.length;
      this.#chunk = this.#chunk.subarray(piece.length);
    }
  }
}

/** Reads the text of a cell of a block. The index is row · width + column. */
export function readCell({ bytes, cells }: RowBlock, index: number): string {
  return bytes.toString('utf8', cells[2 * index], cells[2 * index + 1]);
}

/**
 * Returns a function that reads a cell by its index, like {@link readCell}. A block of ASCII is decoded only once.
 */
export function decodeCells(block: RowBlock): (index: number) => string {
  const { bytes, bounds, cells, rows } = block;
  const used = bytes.subarray(0, bounds[2 * rows - 1]);
  if (!isAscii(used)) return (index) => readCell(block, index);
  const text = used.toString('latin1');
  return (index) => text.slice(cells[2 * index], cells[2 * index + 1]);
}
