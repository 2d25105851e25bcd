import { BadData } from '../errors.ts';
import { isMissing, looksNumeric, missingWords, numberOf } from './cells.ts';
import { type Column, type ColumnType, featuresOf } from './columns.ts';
import { notANumber } from './rows.ts';
import { lineOf, list, quote, type RawTable } from './table.ts';

/** How to read a source: `declared` types win over inference, `missingValues` are cells that mean "not known". */
export interface ColumnOptions {
  readonly file: string;
  readonly target: string;
  readonly declared: Readonly<Record<string, ColumnType>>;
  readonly missingValues: readonly string[];
}

/** Fewer rows than this and any column of words can look like a list of names. */
const ENOUGH_ROWS = 20;

/**
 * Types every column from all of its rows: a number when each known cell is a decimal literal, else a
 * category, and `ignore` when no cell is known.
 * @returns the columns in the file's order, and sentences on what looks wrong but can be worked with
 * @throws BadData when the target or a declared column is not there, a declared number holds text, no
 *   row has a label, or no feature is left
 */
export function inferColumns(
  table: RawTable,
  options: ColumnOptions,
): { columns: Column[]; warnings: string[] } {
  const { file, target } = options;
  checkNames(table.header, options);
  const missing = missingWords(options.missingValues);
  const warnings: string[] = [];
  const columns = table.header.map((name, index): Column => {
    const known = knownCells(table, index, missing);
    if (name === target) {
      warnings.push(...labelWarnings(known, options));
      return { name, type: 'category' };
    }
    const declared = declaredType(options, name);
    if (declared === 'number') checkDeclaredNumber(table, index, missing, file);
    if (declared) return { name, type: declared };
    const type = typeOf(known);
    if (type === 'ignore') {
      warnings.push(`${file}: column ${quote(name)} holds no known value and is ignored`);
    }
    const text = type === 'category' ? strayText(table, index, missing) : undefined;
    if (text !== undefined) {
      warnings.push(
        `${file}: column ${quote(name)} is mostly numbers, but line ${lineOf(table, text)} holds ` +
          `${quote(table.rows[text]![index]!)}, so it is taken for words; mend that cell, add it to ` +
          `data.missing_values, or declare data.columns.${name}`,
      );
    } else if (
      type === 'category' &&
      known.length >= ENOUGH_ROWS &&
      distinct(known) === known.length
    ) {
      warnings.push(
        `${file}: column ${quote(name)} holds a different word in every row, as a key does; ` +
          `declare data.columns.${name}: ignore unless it is a feature`,
      );
    }
    return { name, type };
  });
  if (featuresOf(columns, target).length === 0) {
    throw new BadData(
      `${file} has no column to predict ${quote(target)} from: add one, or stop ignoring one in data.columns`,
    );
  }
  return { columns, warnings };
}

function typeOf(known: readonly string[]): ColumnType {
  if (known.length === 0) return 'ignore';
  return known.every(looksNumeric) ? 'number' : 'category';
}

/** The first row that makes a column of numbers one of words; undefined where most cells are words. */
function strayText(
  table: RawTable,
  index: number,
  missing: ReadonlySet<string>,
): number | undefined {
  const known = knownCells(table, index, missing);
  const numbers = known.filter(looksNumeric).length;
  if (numbers <= known.length / 2) return undefined;
  return table.rows.findIndex((cells) => {
    const cell = cells[index]!.trim();
    return !missing.has(cell) && !looksNumeric(cell);
  });
}

function checkNames(header: readonly string[], options: ColumnOptions): void {
  const { file, target, declared } = options;
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

function checkDeclaredNumber(
  table: RawTable,
  index: number,
  missing: ReadonlySet<string>,
  file: string,
): void {
  const row = table.rows.findIndex((cells) => {
    const cell = cells[index]!;
    return numberOf(cell) === null && !isMissing(cell, missing);
  });
  if (row >= 0) throw notANumber(table, row, index, { file });
}

function knownCells(table: RawTable, index: number, missing: ReadonlySet<string>): string[] {
  return table.rows.map((cells) => cells[index]!.trim()).filter((cell) => !missing.has(cell));
}

function distinct(cells: readonly string[]): number {
  return new Set(cells).size;
}

function labelWarnings(known: readonly string[], options: ColumnOptions): string[] {
  const { file, target } = options;
  if (known.length === 0) {
    throw new BadData(
      `${file} has no row with a label in ${quote(target)}: fill the column in, or choose another data.target`,
    );
  }
  if (declaredType(options, target) === 'number') {
    return [
      `data.columns declares ${quote(target)} of ${file} a number, but it is the column to predict ` +
        'and each of its values is taken for a class',
    ];
  }
  const classes = distinct(known);
  if (classes === 1) {
    return [
      `${file}: every label in ${quote(target)} is ${quote(known[0]!)}, so every model predicts just that`,
    ];
  }
  if (known.length >= ENOUGH_ROWS && classes > known.length / 2 && known.every(looksNumeric)) {
    return [
      `${file}: ${quote(target)} holds ${classes} different numbers in ${known.length} rows, each ` +
        'taken for a class of its own; this pipeline classifies, it does not predict quantities',
    ];
  }
  return [];
}
