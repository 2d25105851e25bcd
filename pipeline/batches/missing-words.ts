import { MISSING_VALUES } from '../../contract/defaults.ts';
import { CellRule, type CellSettings } from '../csv/cells.ts';
import { quote } from '../csv/quote.ts';
import { readCell, type RowBlock } from '../csv/reader.ts';
import { indexNames, type Column } from './columns.ts';

/** Counts the cells of a column of words that hold a default word for a missing cell, such as `NA`. */
export class MissingWords {
  readonly #times = new Map<string, number>();

  /** Adds a missing cell. An empty one does not count. */
  add(cell: string): void {
    const word = cell.trim();
    if (word !== '') this.#times.set(word, (this.#times.get(word) ?? 0) + 1);
  }

  /**
   * Returns a warning: a word such as NA can be the code of a country.
   * @param name of the column
   */
  describe(name: string, file: string, { missing }: CellSettings): string[] {
    if (this.#times.size === 0 || !isDefault(missing)) return [];
    const words = [...this.#times].map(
      ([word, times]) => `${quote(word)} (${times} ${times === 1 ? 'row' : 'rows'})`,
    );
    const list = ['', ...this.#times.keys()];
    return [
      `${file}: column ${quote(name)} holds words, and by default these cells are read as missing: ${words.join(', ')}; to keep them as words, start a ` +
        `pipeline with data.missing_values: [""]; if they are missing, with data.missing_values: ${JSON.stringify(list)}`,
    ];
  }
}

/** Whether the words for a missing cell are the default, which nobody has chosen for this data. */
function isDefault(missing: readonly string[]): boolean {
  return (
    missing.length === MISSING_VALUES.length &&
    missing.every((word, i) => word === MISSING_VALUES[i])
  );
}

/** Counts the default words for a missing cell in the columns of words of a file. */
export class CategoryWords {
  readonly #columns: {
    readonly name: string;
    readonly index: number;
    readonly found: MissingWords;
  }[];
  readonly #settings: CellSettings;
  readonly #rule: CellRule;
  readonly #longest: number;
  readonly #width: number;

  /** @param header the names that the columns of the file have */
  constructor(columns: readonly Column[], header: readonly string[], settings: CellSettings) {
    this.#settings = settings;
    this.#rule = new CellRule(settings);
    this.#longest = Math.max(0, ...settings.missing.map(({ length }) => length));
    const places = indexNames(header);
    this.#columns = columns.flatMap(({ name, type }) => {
      const index = places.get(name) ?? -1;
      return type === 'category' && index >= 0 ? [{ name, index, found: new MissingWords() }] : [];
    });
    if (!isDefault(settings.missing)) this.#columns = [];
    this.#width = header.length;
  }

  count(block: RowBlock, row: number): void {
    const { cells } = block;
    for (const { index, found } of this.#columns) {
      const cell = row * this.#width + index;
      const length = cells[2 * cell + 1]! - cells[2 * cell]!;
      if (length === 0 || length > this.#longest) continue;
      const text = readCell(block, cell);
      if (this.#rule.isMissing(text)) found.add(text);
    }
  }

  describe(file: string): string[] {
    return this.#columns.flatMap(({ name, found }) => found.describe(name, file, this.#settings));
  }
}
