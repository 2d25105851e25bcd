export type ColumnType = 'number' | 'category' | 'ignore';

/**
 * One column of the frozen schema, which keeps the order of the file. The words of a target are the classes. A target
 * of numbers makes the model a regression.
 */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The batch that added the column, if it is not the first one: the column is missing in earlier batches. */
  readonly since?: number | undefined;
}

/** Selects the columns that a batch has from the columns of a later batch. */
export function selectColumns(columns: readonly Column[], batch: number): Column[] {
  return columns.filter(({ since }) => since === undefined || since <= batch);
}

/** Whether the target is a number, which makes the model a regression. */
export function predictsNumbers(columns: readonly Column[], target: string): boolean {
  return columns.some(({ name, type }) => name === target && type === 'number');
}

/** Selects the columns that a model learns from: all but the target and the ignored ones. */
export function selectFeatures(columns: readonly Column[], target: string): Column[] {
  return columns.filter(({ name, type }) => name !== target && type !== 'ignore');
}
