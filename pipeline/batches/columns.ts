export type ColumnType = 'number' | 'category' | 'ignore';

/** One column of the frozen schema, in the file's order. A target's words are the classes; one of numbers is for regression. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The batch that brought it, where the first one lacks it: earlier batches have it missing. */
  readonly since?: number | undefined;
}

/** The columns that batch `batch` has, of those that a later one has. */
export function selectColumns(columns: readonly Column[], batch: number): Column[] {
  return columns.filter(({ since }) => since === undefined || since <= batch);
}

/** Whether the target is a number: what is fitted then is a regression. */
export function predictsNumbers(columns: readonly Column[], target: string): boolean {
  return columns.some(({ name, type }) => name === target && type === 'number');
}

/** The columns a model learns from: all but the target and the ignored ones. */
export function selectFeatures(columns: readonly Column[], target: string): Column[] {
  return columns.filter(({ name, type }) => name !== target && type !== 'ignore');
}
