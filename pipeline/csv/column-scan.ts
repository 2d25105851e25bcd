import { CellReader } from './cell-reader.ts';
import { looksNumeric, numberOf } from './cells.ts';
import { cellText, type CsvReader, type RowBlock } from './reader.ts';
import { notADeclaredNumber, notAQuantity } from './rows.ts';
import { WordTable } from './word-table.ts';

/** As many different words of a column are told apart. */
export const MOST_WORDS = 1_000_000;

/** A column that has shown this many numbers and nothing else has its values compared no further. */
const SURELY_NUMBERS = 1000;

/** A target of words or of numbers, or what a feature is to be. */
type Kind = 'label' | 'quantity' | 'feature' | 'declared number';

/** What the cells of one column have in common, in memory that does not grow with their number. */
export class ColumnScan {
  /** Cells that are not missing, and how many of them look like numbers. */
  known = 0;
  numbers = 0;
  /** The first known cell that does not look like a number, and its line. */
  stray: { readonly text: string; readonly line: number } | undefined;
  /** The first known cell. */
  first = '';
  /** Whether no two of the known cells are equal, as far as they are compared. */
  allDiffer = true;
  /**
   * How many different words there are: of a target with classes all are counted, of a quantity up to two, of
   * a feature while all differ.
   */
  get words(): number {
    return this.#words.size;
  }
  readonly #index: number;
  readonly #kind: Kind;
  #words = new WordTable();

  constructor(index: number, kind: Kind) {
    this.#index = index;
    this.#kind = kind;
  }

  /** @throws BadData at a cell that is no number, of a column that is declared one or of a target of numbers */
  scan(block: RowBlock, cells: CellReader, reader: CsvReader): void {
    const { bytes } = block;
    const { width } = reader;
    for (let row = 0; row < block.rows; row++) {
      const at = 2 * (row * width + this.#index);
      const start = block.cells[at]!;
      const end = block.cells[at + 1]!;
      const sure = cells.isSurelyNumber(bytes, start, end);
      if (!sure && cells.isMissing(bytes, start, end)) continue;
      const plain = sure || cells.isPlainNumber(bytes);
      if (this.#kind === 'quantity' && !plain && numberOf(cells.text(bytes)) === null)
        throw notAQuantity(block, row, this.#index, reader);
      if (this.#kind === 'declared number') {
        if (!plain && numberOf(cells.text(bytes)) === null)
          throw notADeclaredNumber(block, row, this.#index, reader);
        continue;
      }
      if (this.known === 0) this.first = cells.text(bytes);
      this.known++;
      if (plain ? !cells.padded : looksNumeric(cells.text(bytes))) this.numbers++;
      else
        this.stray ??= {
          text: cellText(block, row * width + this.#index),
          line: block.lines[row]!,
        };
      if (this.#compares()) {
        this.#words.codeOf(bytes, cells.start, cells.end);
        if (this.#words.size < this.known) this.allDiffer = false;
      }
    }
  }

  #compares(): boolean {
    if (this.#words.size >= MOST_WORDS) return false;
    if (this.#kind === 'label') return true;
    if (this.#kind === 'quantity') return this.#words.size < 2;
    if (!this.allDiffer) return false;
    if (this.numbers < this.known || this.known < SURELY_NUMBERS) return true;
    this.allDiffer = false;
    this.#words = new WordTable();
    return false;
  }
}
