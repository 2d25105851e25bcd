import { BadData } from '../../contract/failures.ts';
import type { Task } from '../../contract/defaults.ts';
import {
  CellRule,
  type CellSettings,
  classifyBytes,
  looksNumeric,
  NUMERIC,
  UNCERTAIN,
} from '../csv/cells.ts';
import { quoteList, quote } from '../csv/quote.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';
import { makeDeclaredNumberError, makeQuantityError } from './check-numbers.ts';
import { type Column, type ColumnType, selectFeatures } from './columns.ts';

/** At most this many different words of a column are counted. */
const MOST_WORDS = 1_000_000;

/** If this many known cells are all numbers, the values of a column are no longer compared. */
const SURELY_NUMBERS = 1000;

/** The role of a column: a target of words or of numbers, a feature, or a declared number. */
type Kind = 'label' | 'quantity' | 'feature' | 'declared number';

/** How to read a source. `declared` types override inferred ones. */
export interface ColumnOptions {
  readonly target: string;
  readonly declared: Readonly<Record<string, ColumnType>>;
  readonly cells: CellSettings;
  readonly task: Task;
}

/** With fewer rows any column of words can look like a key. */
const ENOUGH_ROWS = 20;

/**
 * Infers the type of every column from all rows, in one pass and bounded memory: a number when each known cell
 * is a decimal literal, otherwise a category, and `ignore` when no cell is known.
 * @returns the columns in the file's order, and warnings about columns that look wrong
 * @throws BadData when the file cannot be read, the target or a declared column is missing, a declared
 *   number or the target of a regression holds text, no row has a label, or no feature is left
 */
export function inferColumns(
  reader: CsvReader,
  options: ColumnOptions,
): { columns: Column[]; warnings: string[] } {
  const { file, header } = reader;
  const { target } = options;
  checkDeclarations(header, file, options);
  const scans = header.map((name, index) => {
    const declared = findDeclaredType(options, name);
    if (name === target)
      return new ColumnScan(index, options.task === 'regression' ? 'quantity' : 'label');
    if (declared === undefined) return new ColumnScan(index, 'feature');
    return declared === 'number' ? new ColumnScan(index, 'declared number') : undefined;
  });
  const rule = new CellRule(options.cells);
  for (const block of reader.blocks()) {
    for (const scan of scans) scan?.scan(block, rule, reader);
  }
  const warnings: string[] = [];
  const columns = header.map((name, index): Column => {
    const scan = scans[index]!;
    if (name === target) {
      warnings.push(...checkLabels(scan, file, options));
      return { name, type: options.task === 'regression' ? 'number' : 'category' };
    }
    const declared = findDeclaredType(options, name);
    if (declared) return { name, type: declared };
    warnings.push(...checkFeature(name, scan, file));
    return { name, type: inferType(scan) };
  });
  if (selectFeatures(columns, target).length === 0) {
    throw new BadData(
      `${file} has no column to predict ${quote(target)} from: add one, or stop ignoring one in data.columns`,
    );
  }
  return { columns, warnings };
}

/**
 * Infers the types of columns that a later file adds, from all of its rows.
 * @returns the columns, and warnings about columns that look wrong
 * @throws BadData when the file cannot be read
 */
export function inferFeatures(
  reader: CsvReader,
  names: readonly string[],
  settings: CellSettings,
): { columns: Column[]; warnings: string[] } {
  const scans = names.map((name) => new ColumnScan(reader.header.indexOf(name), 'feature'));
  const rule = new CellRule(settings);
  for (const block of reader.blocks()) for (const scan of scans) scan.scan(block, rule, reader);
  return {
    columns: names.map((name, i) => ({ name, type: inferType(scans[i]!) })),
    warnings: names.flatMap((name, i) => checkFeature(name, scans[i]!, reader.file)),
  };
}

function inferType({ known, numbers }: ColumnScan): ColumnType {
  if (known === 0) return 'ignore';
  return numbers === known ? 'number' : 'category';
}

function checkFeature(name: string, scan: ColumnScan, file: string): string[] {
  const { known, numbers, stray, words } = scan;
  const type = inferType(scan);
  if (type === 'ignore') {
    return [`${file}: column ${quote(name)} holds no known value and is ignored`];
  }
  if (type === 'number') return [];
  if (numbers > known / 2) {
    return [
      `${file}: column ${quote(name)} is mostly numbers, but line ${stray!.line} holds ` +
        `${quote(stray!.text)}, so it is read as words; correct that cell, add it to ` +
        `data.missing_values, or declare data.columns.${name}`,
    ];
  }
  if (known >= ENOUGH_ROWS && scan.allDiffer) {
    const where = words < MOST_WORDS ? 'every row' : `each of its first ${MOST_WORDS} rows`;
    return [
      `${file}: column ${quote(name)} holds a different word in ${where}, as a key does; ` +
        `declare data.columns.${name}: ignore unless it is a feature`,
    ];
  }
  return [];
}

function checkDeclarations(header: readonly string[], file: string, options: ColumnOptions): void {
  const { target, declared } = options;
  if (!header.includes(target)) {
    throw new BadData(
      `${file} has no column ${quote(target)} to predict, only ${quoteList(header)}: set data.target to one of them`,
    );
  }
  const unknown = Object.keys(declared).filter((name) => !header.includes(name));
  if (unknown.length > 0) {
    throw new BadData(
      `${file} has no column ${quoteList(unknown)}, which data.columns declares, only ${quoteList(header)}: ` +
        'correct the name or remove the declaration',
    );
  }
  if (options.task === 'regression' && findDeclaredType(options, target) === 'category') {
    throw new BadData(
      `data.columns declares ${quote(target)} of ${file} a category, and a regression (model.task) predicts ` +
        'numbers: remove the declaration, or set model.task to classification',
    );
  }
  if (findDeclaredType(options, target) === 'ignore') {
    throw new BadData(
      `data.columns ignores ${quote(target)} of ${file}, the column to predict: ` +
        'remove the declaration or choose another data.target',
    );
  }
}

/** Reads own properties only, because a column may be called `constructor`. */
function findDeclaredType({ declared }: ColumnOptions, name: string): ColumnType | undefined {
  return Object.hasOwn(declared, name) ? declared[name] : undefined;
}

/** Returns warnings about the target; throws BadData when no row has a label. */
function checkLabels(scan: ColumnScan, file: string, options: ColumnOptions): string[] {
  const { target } = options;
  const { known, numbers, words, first } = scan;
  if (known === 0) {
    throw new BadData(
      `${file} has no row with a label in ${quote(target)}: fill the column in, or choose another data.target`,
    );
  }
  if (options.task === 'regression') {
    return words === 1
      ? [`${file}: ${quote(target)} is ${first} in every row, so every model predicts that value`]
      : [];
  }
  if (findDeclaredType(options, target) === 'number') {
    return [
      `data.columns declares ${quote(target)} of ${file} a number, but it is the column to predict ` +
        'and each of its values is a class; a new pipeline with model.task: regression predicts the number',
    ];
  }
  if (words === 1) {
    return [
      `${file}: every label in ${quote(target)} is ${quote(first)}, so every model predicts that value`,
    ];
  }
  if (known >= ENOUGH_ROWS && words > known / 2 && numbers === known) {
    return [
      `${file}: ${quote(target)} holds ${words} different numbers in ${known} rows, each ` +
        'read as a separate class; to predict quantities, start a pipeline with model.task: regression',
    ];
  }
  return [];
}

/** Collects the facts that decide the type of one column. Memory does not grow with the number of rows. */
class ColumnScan {
  /** Cells that are not missing, and how many of them look like numbers. */
  known = 0;
  numbers = 0;
  /** The first known cell that does not look like a number, and its line. */
  stray: { readonly text: string; readonly line: number } | undefined;
  /** The first known cell. */
  first = '';
  /** Whether all known cells that were compared differ. */
  allDiffer = true;
  /**
   * The number of different words that were compared. A target of classes compares all words, a target of numbers
   * stops at two, and a feature stops when two words are equal.
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

  /** @throws BadData at a cell that is not a number in a declared number or in a target of numbers */
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
      const text = readCell(block, index);
      if (found === UNCERTAIN && rule.isMissing(text)) continue;
      if (needsNumbers && found === UNCERTAIN && rule.readNumber(text) === undefined) {
        const wrong = this.#kind === 'quantity' ? makeQuantityError : makeDeclaredNumberError;
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

  /** Whether the next word is compared with the earlier ones. */
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
