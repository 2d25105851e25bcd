import { Buffer } from 'node:buffer';
import { copyBytes } from './copy-bytes.ts';
import { formatRow } from './csv.ts';
import { cellText, type RowBlock } from './reader.ts';
import { type ColumnPlan, isAsItStands } from '../batches/conform.ts';

const LF = 10;

/** Writes rows as the one canonical CSV, by a plan of their columns; `formatRow` defines it. */
export class RowWriter {
  /** What has been written since the last `clear`, up to `length`. */
  bytes = Buffer.allocUnsafe(1 << 16);
  length = 0;
  readonly #plan: ColumnPlan;
  readonly #width: number;
  /** Whether a row's own bytes may be what is to be written. */
  readonly #verbatim: boolean;

  /**
   * @param width columns of the rows
   * @param delimiter between their cells
   */
  constructor(plan: ColumnPlan, width: number, delimiter = ',') {
    this.#plan = plan;
    this.#width = width;
    this.#verbatim = delimiter === ',' && isAsItStands(plan, width);
  }

  /** Whether a row's own bytes are what is to be written, but for the line break: no cell has quotes or needs them. */
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
      // It may begin or end with white space.
      const head = bytes[start]!;
      const tail = bytes[end - 1]!;
      if (head <= 32 || head > 126 || tail <= 32 || tail > 126) return false;
    }
    return true;
  }

  clear(): void {
    this.length = 0;
  }

  header(): void {
    this.#text(formatRow(this.#plan.header));
  }

  /** Writes row `row` of a block, its line break included. */
  row(block: RowBlock, row: number): void {
    if (this.isCanonical(block, row)) {
      const start = block.bounds[2 * row]!;
      const end = block.bounds[2 * row + 1]!;
      this.#room(end - start + 1);
      copyBytes(block.bytes, start, end, this.bytes, this.length);
      this.length += end - start;
      this.bytes[this.length++] = LF;
    } else this.formatted(block, row);
  }

  /** The same of a row that is not canonical. */
  formatted(block: RowBlock, row: number): void {
    const { from, fill } = this.#plan;
    this.#text(
      formatRow(
        from.map((index) => (index === null ? fill : cellText(block, row * this.#width + index))),
      ),
    );
  }

  #text(line: string): void {
    this.#room(3 * line.length + 1);
    this.length += this.bytes.write(line, this.length);
    this.bytes[this.length++] = LF;
  }

  #room(length: number): void {
    if (this.length + length <= this.bytes.length) return;
    const more = Buffer.allocUnsafe(2 * (this.length + length));
    this.bytes.copy(more, 0, 0, this.length);
    this.bytes = more;
  }
}
