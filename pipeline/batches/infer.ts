import { BadData } from '../../contract/failures.ts';
import { CellRule } from '../csv/cells.ts';
import { type Column, type ColumnType, featuresOf } from './columns.ts';
import { ColumnScan, MOST_WORDS } from '../csv/column-scan.ts';
import type { CsvReader } from '../csv/reader.ts';
import type { Task } from '../../contract/defaults.ts';
import { list, quote } from '../csv/quote.ts';

/** How to read a source: `declared` types win over inference, `missingValues` are cells that mean "not known". */
export interface ColumnOptions {
  readonly target: string;
  readonly declared: Readonly<Record<string, ColumnType>>;
  readonly missingValues: readonly string[];
  readonly task: Task;
}

/** Fewer rows than this and any column of words can look like a list of names. */
const ENOUGH_ROWS = 20;

/**
 * Types every column from all of its rows, in one pass and bounded memory: a number when each known cell
 * is a decimal literal, else a category, and `ignore` when no cell is known.
 * @returns the columns in the file's order, and sentences on what looks wrong but can be worked with
 * @throws BadData when the file cannot be read, the target or a declared column is not there, a declared
 *   number or the target of a regression holds text, no row has a label, or no feature is left
 */
export function inferColumns(
  reader: CsvReader,
  options: ColumnOptions,
): { columns: Column[]; warnings: string[] } {
  const { file, header } = reader;
  const { target } = options;
  checkNames(header, file, options);
  const scans = header.map((name, index) => {
    const declared = declaredType(options, name);
    if (name === target)
      return new ColumnScan(index, options.task === 'regression' ? 'quantity' : 'label');
    if (declared === undefined) return new ColumnScan(index, 'feature');
    return declared === 'number' ? new ColumnScan(index, 'declared number') : undefined;
  });
  const rule = new CellRule(options.missingValues);
  for (const block of reader.blocks()) {
    for (const scan of scans) scan?.scan(block, rule, reader);
  }
  const warnings: string[] = [];
  const columns = header.map((name, index): Column => {
    const scan = scans[index]!;
    if (name === target) {
      warnings.push(...labelWarnings(scan, file, options));
      return { name, type: options.task === 'regression' ? 'number' : 'category' };
    }
    const declared = declaredType(options, name);
    if (declared) return { name, type: declared };
    warnings.push(...featureWarnings(name, scan, file));
    return { name, type: typeOf(scan) };
  });
  if (featuresOf(columns, target).length === 0) {
    throw new BadData(
      `${file} has no column to predict ${quote(target)} from: add one, or stop ignoring one in data.columns`,
    );
  }
  return { columns, warnings };
}

/**
 * Types columns that a later file adds, from all of its rows.
 * @returns them, and sentences on what looks wrong but can be worked with
 * @throws BadData when the file cannot be read
 */
export function inferFeatures(
  reader: CsvReader,
  names: readonly string[],
  missingValues: readonly string[],
): { columns: Column[]; warnings: string[] } {
  const scans = names.map((name) => new ColumnScan(reader.header.indexOf(name), 'feature'));
  const rule = new CellRule(missingValues);
  for (const block of reader.blocks()) for (const scan of scans) scan.scan(block, rule, reader);
  return {
    columns: names.map((name, i) => ({ name, type: typeOf(scans[i]!) })),
    warnings: names.flatMap((name, i) => featureWarnings(name, scans[i]!, reader.file)),
  };
}

function typeOf({ known, numbers }: ColumnScan): ColumnType {
  if (known === 0) return 'ignore';
  return numbers === known ? 'number' : 'category';
}

function featureWarnings(name: string, scan: ColumnScan, file: string): string[] {
  const { known, numbers, stray, words } = scan;
  const type = typeOf(scan);
  if (type === 'ignore') {
    return [`${file}: column ${quote(name)} holds no known value and is ignored`];
  }
  if (type === 'number') return [];
  if (numbers > known / 2) {
    return [
      `${file}: column ${quote(name)} is mostly numbers, but line ${stray!.line} holds ` +
        `${quote(stray!.text)}, so it is taken for words; mend that cell, add it to ` +
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

function checkNames(header: readonly string[], file: string, options: ColumnOptions): void {
  const { target, declared } = options;
  if (!header.includes(target)) {
    throw new BadData(
      `${file} has no column ${quote(target)} to predict, only ${list(header)}: set data.target to one of them`,
    );
  }
  const unknown = Object.keys(declared).filter((name) => !header.includes(name));
  if (unknown.length > 0) {
    throw new BadData(
      `${file} has no column ${list(unknown)}, which data.columns declares, only ${list(header)}: ` +
        'mend the name or remove the declaration',
    );
  }
  if (options.task === 'regression' && declaredType(options, target) === 'category') {
    throw new BadData(
      `data.columns declares ${quote(target)} of ${file} a category, and a regression (model.task) predicts ` +
        'numbers: remove the declaration, or set model.task to classification',
    );
  }
  if (declaredType(options, target) === 'ignore') {
    throw new BadData(
      `data.columns ignores ${quote(target)} of ${file}, the column to predict: ` +
        'remove the declaration or choose another data.target',
    );
  }
}

/** Own entries only, for a column may be called `constructor`. */
function declaredType({ declared }: ColumnOptions, name: string): ColumnType | undefined {
  return Object.hasOwn(declared, name) ? declared[name] : undefined;
}

function labelWarnings(scan: ColumnScan, file: string, options: ColumnOptions): string[] {
  const { target } = options;
  const { known, numbers, words, first } = scan;
  if (known === 0) {
    throw new BadData(
      `${file} has no row with a label in ${quote(target)}: fill the column in, or choose another data.target`,
    );
  }
  if (options.task === 'regression') {
    return words === 1
      ? [`${file}: ${quote(target)} is ${first} in every row, so every model predicts just that`]
      : [];
  }
  if (declaredType(options, target) === 'number') {
    return [
      `data.columns declares ${quote(target)} of ${file} a number, but it is the column to predict ` +
        'and each of its values is taken for a class; a new pipeline with model.task: regression predicts the number',
    ];
  }
  if (words === 1) {
    return [
      `${file}: every label in ${quote(target)} is ${quote(first)}, so every model predicts just that`,
    ];
  }
  if (known >= ENOUGH_ROWS && words > known / 2 && numbers === known) {
    return [
      `${file}: ${quote(target)} holds ${words} different numbers in ${known} rows, each ` +
        'taken for a class of its own; to predict quantities, start a pipeline with model.task: regression',
    ];
  }
  return [];
}
