import { Buffer } from 'node:buffer';
import { readCell, type RowBlock } from './reader.ts';

const LF = 10;
const QUOTE = 34;

/** Up to this many bytes a loop is faster than `Buffer.copy`, which creates a view. */
const FEW = 256;

/** How the columns of a file become the columns of a batch. */
export interface ColumnPlan {
  /** The columns of the batch: the frozen ones in their order, then the new ones in the order of the file. */
  readonly header: readonly string[];
  /** The index of each column in the file. It is null if the file lacks the column; each cell is then `fill`. */
  readonly from: readonly (number | null)[];
  /** A cell that means "not known". */
  readonly fill: string;
  readonly warnings: readonly string[];
}

/** Writes rows as canonical CSV. A plan gives their columns. */
export class RowWriter {
  /** The bytes written since the last `clear`; the first `length` are used. */
  bytes = Buffer.allocUnsafe(1 << 16);
  length = 0;
  readonly #plan: ColumnPlan;
  readonly #width: number;
  /** Whether the bytes of a row can be written as they are. */
  readonly #verbatim: boolean;

  /**
   * @param width number of cells in each row that is read
   * @param delimiter between the cells of such a row
   */
  constructor(plan: ColumnPlan, width: number, delimiter = ',') {
    this.#plan = plan;
    this.#width = width;
    this.#verbatim = delimiter === ',' && keepsColumns(plan, width);
  }

  /** Whether a row can be written as it is, apart from the line break: no cell has quotes or needs them. */
  isCanonical({ bytes, cells, quoted }: RowBlock, row: number): boolean {
    if (!this.#verbatim || quoted[row] === 1) return false;
    const first = 2 * row * this.#width;
    for (let i = first; i < first + 2 * this.#width; i += 2) {
      const start = cells[i]!;
      const end = cells[i + 1]!;
      if (start === end) {
        if (this.#width === 1) return false;
        continue;
      }
      // Such a byte may begin or end white space, which needs quotes.
      const head = bytes[start]!;
      const tail = bytes[end - 1]!;
      if (head <= 32 || head > 126 || tail <= 32 || tail > 126) return false;
    }
    return true;
  }

  clear(): void {
    this.length = 0;
  }

  writeHeader(): void {
    this.#writeLine(formatRow(this.#plan.header));
  }

  /** Writes row `row` of a block, its line break included. */
  writeRow(block: RowBlock, row: number): void {
    if (this.isCanonical(block, row)) {
      const start = block.bounds[2 * row]!;
      const end = block.bounds[2 * row + 1]!;
      this.#makeRoom(end - start + 1);
      copyBytes(block.bytes, start, end, this.bytes, this.length);
      this.length += end - start;
      this.bytes[this.length++] = LF;
    } else this.writeFormatted(block, row);
  }

  /** Writes a row that is not canonical. */
  writeFormatted(block: RowBlock, row: number): void {
    const { from, fill } = this.#plan;
    this.#writeLine(
      formatRow(
        from.map((index) => (index === null ? fill : readCell(block, row * this.#width + index))),
      ),
    );
  }

  #writeLine(line: string): void {
    this.#makeRoom(3 * line.length + 1);
    this.length += this.bytes.write(line, this.length);
    this.bytes[this.length++] = LF;
  }

  #makeRoom(length: number): void {
    if (this.length + length <= this.bytes.length) return;
    const more = Buffer.allocUnsafe(2 * (this.length + length));
    this.bytes.copy(more, 0, 0, this.length);
    this.bytes = more;
  }
}

/** Formats one line of canonical CSV, without its line break. */
export function formatRow(cells: readonly string[]): string {
  if (cells.length === 1 && cells[0] === '') return '""';
  let line = '';
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    const written = /[",\r\n]|^\s|\s$/.test(cell) ? quoteCell(cell) : cell;
    line += i === 0 ? written : `,${written}`;
  }
  return line;
}

/** Puts a cell in quotes. */
export function quoteCell(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

/** Bytes [start, end) of a buffer. */
export interface ByteRange {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Returns the bytes of a row as they are in its file, without its line break. The scanner makes doubled quotes
 * single in place, so a row with a quoted cell is written again.
 * @param width number of columns of the table
 * @param delimiter between the cells of the table
 * @param order the columns to write, if not all of them in their order
 */
export function readRowBytes(
  block: RowBlock,
  row: number,
  width: number,
  delimiter: string,
  order?: readonly number[],
): ByteRange {
  const { bytes, bounds, cells } = block;
  if (block.quoted[row] === 0 && order === undefined)
    return { bytes, start: bounds[2 * row]!, end: bounds[2 * row + 1]! };
  const texts = Array.from({ length: width }, (_, i) => {
    const at = 2 * (row * width + (order?.[i] ?? i));
    const text = bytes.toString('utf8', cells[at], cells[at + 1]);
    // The byte before a cell is a quote only if the cell is quoted.
    return bytes[cells[at]! - 1] === QUOTE ? quoteCell(text) : text;
  });
  const written = Buffer.from(texts.join(delimiter));
  return { bytes: written, start: 0, end: written.length };
}

/** Whether a plan keeps the file's columns and their order. */
function keepsColumns(plan: ColumnPlan, width: number): boolean {
  return plan.from.length === width && plan.from.every((index, i) => index === i);
}

/** Copies bytes [start, end) to offset `at` of a buffer that has room for them. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > FEW) from.copy(to, at, start, end);
  else while (start < end) to[at++] = from[start++]!;
}
