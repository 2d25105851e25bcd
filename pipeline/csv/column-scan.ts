import { type CellRule, classifyBytes, looksNumeric, NUMERIC, UNCERTAIN } from './cells.ts';
import { cellText, type CsvReader, type RowBlock } from './reader.ts';
import { notADeclaredNumber, notAQuantity } from './rows.ts';

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
  #words = new Set<string>();

  constructor(index: number, kind: Kind) {
    this.#index = index;
    this.#kind = kind;
  }

  /** @throws BadData at a cell that is no number, of a column that is declared one or of a target of numbers */
  scan(block: RowBlock, rule: CellRule, reader: CsvReader): void {
    const { bytes, cells } = block;
    const needsNumbers = this.#kind === 'quantity' || this.#kind === 'declared number';
    for (let row = 0; row < block.rows; row++) {
      const index = row * reader.width + this.#index;
      const found = rule.numberIsMissing
        ? UNCERTAIN
        : classifyBytes(bytes, cells[2 * index]!, cells[2 * index + 1]!);
      if (found !== UNCERTAIN && this.#kind === 'declared number') continue;
      if (found === NUMERIC && this.known > 0 && !this.#compares()) {
        this.known++;
        this.numbers++;
        continue;
      }
      const text = cellText(block, index);
      if (found === UNCERTAIN && rule.isMissing(text)) continue;
      if (needsNumbers && found === UNCERTAIN && rule.readNumber(text) === undefined) {
        const wrong = this.#kind === 'quantity' ? notAQuantity : notADeclaredNumber;
        throw wrong(block, row, this.#index, reader);
      }
      if (this.#kind === 'declared number') continue;
      const word = text.trim();
      if (this.known === 0) this.first = word;
      this.known++;
      if (found === NUMERIC || looksNumeric(word)) this.numbers++;
      else this.stray ??= { text, line: block.lines[row]! };
      if (this.#compares()) {
        this.#words.add(word);
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
    this.#words = new Set<string>();
    return false;
  }
}
