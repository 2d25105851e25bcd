import type { DatePart } from '../../contract/defaults.ts';
import { BadParams } from '../../contract/failures.ts';
import { quote } from '../csv/quote.ts';

export type ColumnType = 'number' | 'category' | 'date' | 'ignore';

/**
 * One column of the frozen schema, which keeps the order of the file. The words of a target are the classes. A target
 * of numbers makes the model a regression.
 */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The batch that added the column, if it is not the first one: the column is missing in earlier batches. */
  readonly since?: number | undefined;
  /**
   * Whether the first file with the column has no known value in it. Such a column is open: it is ignored until a
   * batch has a value, which decides its type, and it is a feature from that batch on.
   */
  readonly open?: true | undefined;
}

/** Returns the place of each name in a header, from 0. */
export function indexNames(header: readonly string[]): Map<string, number> {
  return new Map(header.map((name, i) => [name, i]));
}

/**
 * Selects the columns of a batch from those of a later batch. A column whose type a later batch decided is open
 * again.
 */
export function selectColumns(columns: readonly Column[], batch: number): Column[] {
  return columns.flatMap((column): Column[] => {
    const { name, since, open } = column;
    if (since === undefined || since <= batch) return [column];
    return open === true ? [{ name, type: 'ignore', open }] : [];
  });
}

/** Adds the new columns of later batches. An open column takes the type that a later batch decided. */
export function addColumns(columns: readonly Column[], added: readonly Column[]): Column[] {
  const later = new Map(added.map((column) => [column.name, column]));
  const known = columns.map((column) => {
    const decided = later.get(column.name);
    return decided === undefined ? column : { ...decided, open: true as const };
  });
  const names = new Set(columns.map(({ name }) => name));
  return [...known, ...added.filter(({ name }) => !names.has(name))];
}

/**
 * Finds where each of the known columns is in a header with the same names.
 * @returns undefined if their order is the same
 */
export function findOrder(
  names: readonly string[],
  header: readonly string[],
): number[] | undefined {
  const places = indexNames(header);
  const order = names.map((name) => places.get(name) ?? -1);
  return order.every((index, i) => index === i) ? undefined : order;
}

/** Whether the target is a number, which makes the model a regression. */
export function predictsNumbers(columns: readonly Column[], target: string): boolean {
  return columns.some(({ name, type }) => name === target && type === 'number');
}

/**
 * Selects the columns that a model learns from: all but the target and the ignored ones. Those of later batches come
 * last, in the order of their batches, because the counts of earlier batches end before them.
 */
export function selectFeatures(columns: readonly Column[], target: string): Column[] {
  const features = columns.filter(({ name, type }) => name !== target && type !== 'ignore');
  return features.sort((a, b) => (a.since ?? 1) - (b.since ?? 1));
}

/** A value that a model learns from: a cell of a column, or a part of the date in it. */
export interface FeatureColumn {
  readonly name: string;
  readonly type: 'number' | 'category' | 'date';
  /** The column of the file. */
  readonly from: string;
  /** The part of the date; undefined for the date itself, in days. */
  readonly part?: DatePart | undefined;
  /** As in {@link Column}. */
  readonly since?: number | undefined;
}

/**
 * Lists the features of a model: each column that it learns from, and after a column of dates the parts of its dates.
 * @throws BadParams when a part would have the name of a column
 */
export function listFeatures(
  columns: readonly Column[],
  target: string,
  parts: readonly DatePart[],
): FeatureColumn[] {
  const names = new Set(columns.map(({ name }) => name));
  return selectFeatures(columns, target).flatMap(({ name, type, since }): FeatureColumn[] => {
    if (type === 'ignore') return [];
    const whole: FeatureColumn = { name, type, from: name, since };
    if (type !== 'date') return [whole];
    const others = [...new Set(parts)].map((part) => ({ ...whole, name: `${name}.${part}`, part }));
    const taken = others.find((other) => names.has(other.name));
    if (taken !== undefined)
      throw new BadParams(
        `data.date_parts makes a feature ${quote(taken.name)}, and the data has a column of that name: ` +
          `remove ${taken.part} from data.date_parts, or rename the column`,
      );
    return [whole, ...others];
  });
}
