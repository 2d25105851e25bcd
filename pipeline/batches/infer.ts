import { BadData } from '../../contract/failures.ts';
import type { Task } from '../../contract/defaults.ts';
import { CellRule, type CellSettings, NUMERIC, UNCERTAIN } from '../csv/cells.ts';
import { parseDate } from '../csv/dates.ts';
import { nameColumnParam, quoteList, quote } from '../csv/quote.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';
import { makeDateError, makeDeclaredNumberError, makeQuantityError } from './check-numbers.ts';
import { indexNames, type Column, type ColumnType, selectFeatures } from './columns.ts';
import { findLooks } from './looks.ts';
import { MissingWords } from './missing-words.ts';

/** At most this many different words of a column are counted. */
const MOST_WORDS = 1_000_000;

/** If this many known cells are all numbers, the values of a column are no longer compared. */
const SURELY_NUMBERS = 1000;

/** At most this many integers are added up, so that the sum stays exact. */
const MOST_COUNTED = 1e6;

/** At most this many words of a column are compared with other ways to write numbers and dates. */
const SAMPLE = 100;

/** The role of a column: a target of words or of numbers, a feature, or a declared number or date. */
type Kind = 'label' | 'quantity' | 'feature' | 'declared number' | 'declared date';

/** How to read a source. `declared` types override inferred ones. */
export interface ColumnOptions {
  readonly cells: CellSettings;
  readonly target: string;
  readonly declared: Readonly<Record<string, ColumnType>>;
  readonly task: Task;
}

/** With fewer rows any column can look like a key. */
const ENOUGH_ROWS = 20;

/**
 * Infers the type of every column from all rows, in one pass and bounded memory: a number when each known cell
 * is a number, a date when each is a date of ISO 8601, otherwise a category, and open when no cell is known.
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
    if (declared === 'date') return new ColumnScan(index, 'declared date');
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
    warnings.push(...checkFeature(name, scan, file, options.cells));
    return makeColumn(name, scan);
  });
  if (selectFeatures(columns, target).length === 0) {
    throw new BadData(
      `${file} has no column to predict ${quote(target)} from: add one, or stop ignoring one in data.columns`,
    );
  }
  return { columns, warnings };
}

/**
 * Infers the types of some columns of a later file, from all of its rows. A column without a known cell is open.
 * @param header the names that its columns have
 * @param open the columns that were open before: without a known cell they give no warning
 * @returns the columns, and warnings about columns that look wrong
 * @throws BadData when the file cannot be read
 */
export function inferFeatures(
  {
    reader,
    header,
    open,
  }: { reader: CsvReader; header: readonly string[]; open: readonly string[] },
  names: readonly string[],
  settings: CellSettings,
): { columns: Column[]; warnings: string[] } {
  const places = indexNames(header);
  const scans = names.map((name) => new ColumnScan(places.get(name)!, 'feature'));
  const rule = new CellRule(settings);
  for (const block of reader.blocks()) for (const scan of scans) scan.scan(block, rule, reader);
  return {
    columns: names.map((name, i) => makeColumn(name, scans[i]!)),
    warnings: names.flatMap((name, i) =>
      scans[i]!.known === 0 && open.includes(name)
        ? []
        : checkFeature(name, scans[i]!, reader.file, settings),
    ),
  };
}

function inferType({ known, numbers, dates }: ColumnScan): ColumnType {
  if (known === 0) return 'ignore';
  if (numbers === known) return 'number';
  return dates === known ? 'date' : 'category';
}

/** A column without a known cell is open: a later batch decides its type. */
function makeColumn(name: string, scan: ColumnScan): Column {
  const type = inferType(scan);
  return type === 'ignore' ? { name, type, open: true } : { name, type };
}

function checkFeature(
  name: string,
  scan: ColumnScan,
  file: string,
  settings: CellSettings,
): string[] {
  const { known, numbers, dates, stray, words } = scan;
  const type = inferType(scan);
  const column = `${file}: column ${quote(name)}`;
  const ignoreIt = `declare ${nameColumnParam(name)}: ignore unless it is a feature`;
  if (type === 'ignore') {
    return [`${column} holds no known value, and is left out until a later batch has one`];
  }
  if (type === 'date') return [];
  if (type === 'number') {
    const counted = known >= ENOUGH_ROWS ? scan.describeKey(name) : undefined;
    return counted === undefined ? [] : [`${column} ${counted}, as a key does; ${ignoreIt}`];
  }
  const missing = scan.missing.describe(name, file, settings);
  const looks = findLooks(name, scan.sample, settings);
  if (looks !== undefined) {
    return [
      `${column} looks like ${looks.what}, and is read as words: ${looks.repair}`,
      ...missing,
    ];
  }
  const [most, declare] = dates > known / 2 ? ['dates', 'date'] : ['numbers', undefined];
  if (Math.max(numbers, dates) > known / 2) {
    return [
      `${column} is mostly ${most}, but line ${stray!.line} holds ` +
        `${quote(stray!.text)}, so it is read as words; correct that cell, add it to ` +
        `data.missing_values, or declare ${nameColumnParam(name)}${declare === undefined ? '' : `: ${declare}`}`,
      ...missing,
    ];
  }
  if (known >= ENOUGH_ROWS && scan.allDiffer) {
    const where = words < MOST_WORDS ? 'every row' : `each of its first ${MOST_WORDS} rows`;
    return [`${column} holds a different word in ${where}, as a key does; ${ignoreIt}`, ...missing];
  }
  return missing;
}

function checkDeclarations(header: readonly string[], file: string, options: ColumnOptions): void {
  const { target, declared } = options;
  if (!header.includes(target)) {
    throw new BadData(
      `${file} has no column ${quote(target)} to predict, only ${quoteList(header)}: set data.target to one of them`,
    );
  }
  const known = new Set(header);
  const unknown = Object.keys(declared).filter((name) => !known.has(name));
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
  if (findDeclaredType(options, target) === 'date') {
    throw new BadData(
      `data.columns declares ${quote(target)} of ${file} a date, but it is the target: ` +
        'remove the declaration or choose another data.target',
    );
  }
  if (findDeclaredType(options, target) === 'ignore') {
    throw new BadData(
      `data.columns ignores ${quote(target)} of ${file}, which is the target: ` +
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
  const missing = scan.missing.describe(target, file, options.cells);
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
      `data.columns declares ${quote(target)} of ${file} a number, but it is the target ` +
        'and each of its values is a class; a new pipeline with model.task: regression predicts the number',
    ];
  }
  if (words === 1) {
    return [
      `${file}: every label in ${quote(target)} is ${quote(first)}, so every model predicts that value`,
      ...missing,
    ];
  }
  if (known < ENOUGH_ROWS || words <= known / 2) return missing;
  const looks = findLooks(target, scan.sample, options.cells);
  if (numbers < known && looks === undefined) return missing;
  const repair =
    numbers < known
      ? `${looks!.repair}, and model.task: regression`
      : 'start a pipeline with model.task: regression';
  return [
    `${file}: ${quote(target)} holds ${words} different ${numbers < known ? looks!.what : 'numbers'} in ${known} rows, each ` +
      `read as a separate class; to predict quantities, ${repair}`,
    ...missing,
  ];
}

/** Collects the facts that decide the type of one column. Memory does not grow with the number of rows. */
class ColumnScan {
  /** Cells that are not missing, and how many of them look like numbers. */
  known = 0;
  numbers = 0;
  /** Cells that are dates of ISO 8601, if the first known cell is one. */
  dates = 0;
  /** The first known cells that do not look like numbers. */
  readonly sample: string[] = [];
  readonly missing = new MissingWords();
  /** The first known cell that is neither a number nor, in a column of dates, a date; and its line. */
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
  /** The integers of the column, while they may count its rows. */
  #integers: IntegerRange | undefined = new IntegerRange();
  /** Whether all numbers that were compared differ. Only the first numbers are compared. */
  #differed = false;

  constructor(index: number, kind: Kind) {
    this.#index = index;
    this.#kind = kind;
  }

  /** @throws BadData at a cell that is not of the declared type, or not a number in a target of numbers */
  scan(block: RowBlock, rule: CellRule, reader: CsvReader): void {
    const { bytes, cells } = block;
    const kind = this.#kind;
    const needsNumbers = kind === 'quantity' || kind === 'declared number';
    if (kind !== 'feature') this.#integers = undefined;
    for (let row = 0; row < block.rows; row++) {
      const index = row * reader.width + this.#index;
      const [start, end] = [cells[2 * index]!, cells[2 * index + 1]!];
      const found = rule.classify(bytes, start, end);
      if (found !== UNCERTAIN && kind === 'declared number') continue;
      if (found === NUMERIC && this.known > 0 && !this.#compares()) {
        this.known++;
        this.numbers++;
        if (this.#integers !== undefined) this.#countInteger(readCell(block, index));
        continue;
      }
      const text = readCell(block, index);
      if (found === UNCERTAIN && rule.isMissing(text)) {
        this.missing.add(text);
        continue;
      }
      if (needsNumbers && found === UNCERTAIN && rule.readNumber(text) === undefined) {
        const wrong = kind === 'quantity' ? makeQuantityError : makeDeclaredNumberError;
        throw wrong(block, row, this.#index, reader);
      }
      if (kind === 'declared date' && rule.readDate(text) === undefined)
        throw makeDateError(block, row, this.#index, reader);
      if (kind === 'declared number' || kind === 'declared date') continue;
      this.#add(text, found === NUMERIC || rule.looksNumeric(text), block.lines[row]!);
    }
  }

  #add(text: string, isNumber: boolean, line: number): void {
    const word = text.trim();
    if (this.known === 0) this.first = word;
    const mayBeDate = this.known === 0 || this.dates > 0;
    const isDate = !isNumber && mayBeDate && parseDate(word) !== null;
    this.known++;
    if (isNumber) this.numbers++;
    else if (this.sample.length < SAMPLE) this.sample.push(text);
    if (isDate) this.dates++;
    // A date is a stray cell in a column of numbers, but not in a column of dates.
    if (!isDate && (!isNumber || this.dates > 0)) this.stray ??= { text, line };
    if (this.#integers !== undefined) this.#countInteger(isNumber ? word : '');
    if (this.#compares()) {
      this.#words.add(word);
      if (this.#words.size < this.known) this.allDiffer = false;
    }
  }

  #countInteger(text: string): void {
    if (this.#integers!.add(text)) return;
    this.#integers = undefined;
  }

  /** Says why a column of numbers looks like a key; undefined if it does not. */
  describeKey(name: string): string | undefined {
    const range = this.#integers;
    if (range === undefined) return undefined;
    if (range.isEveryInteger) return `counts the rows from ${range.low} to ${range.high}`;
    const differ = this.allDiffer || this.#differed;
    return differ && KEY_NAMES.some((key) => key.test(name))
      ? 'holds a different whole number in every row'
      : undefined;
  }

  /** Whether the next word is compared with the earlier ones. */
  #compares(): boolean {
    if (this.#words.size >= MOST_WORDS) return false;
    if (this.#kind === 'label') return true;
    if (this.#kind === 'quantity') return this.#words.size < 2;
    if (!this.allDiffer) return false;
    if (this.numbers < this.known || this.known < SURELY_NUMBERS) return true;
    this.allDiffer = false;
    this.#differed = true;
    this.#words = new Set<string>();
    return false;
  }
}

/** Names that keys have: `id`, `customer_id`, `row-key`, and `orderId`, but not `paid`. */
const KEY_NAMES = [/(?:^|[_\-. ])(?:id|key|uuid|guid|nr|no|number)$/i, /[a-z]I[dD]$/];

/** Finds whether whole numbers are every one of a range, in any order, without a repeat. */
class IntegerRange {
  low = Infinity;
  high = -Infinity;
  #count = 0;
  #sum = 0;
  #bits = 0;

  /** Adds a cell. Returns false when the cells cannot be whole numbers without a repeat. */
  add(text: string): boolean {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < 0) return false;
    this.low = Math.min(this.low, value);
    this.high = Math.max(this.high, value);
    this.#sum += value;
    this.#bits ^= value;
    this.#count++;
    return this.#count < MOST_COUNTED && this.#count <= this.high - this.low + 1;
  }

  get isEveryInteger(): boolean {
    const { low, high } = this;
    const count = high - low + 1;
    if (this.#count !== count || this.#sum !== ((low + high) * count) / 2) return false;
    let bits = 0;
    for (let value = low; value <= high; value++) bits ^= value;
    return bits === this.#bits;
  }
}
