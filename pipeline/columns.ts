export type ColumnType = 'number' | 'category' | 'ignore';

/** One column of the frozen schema, in the file's order. The target is always a category: its words are the classes. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** The columns a model learns from: all but the target and the ignored ones. */
export function featuresOf(columns: readonly Column[], target: string): Column[] {
  return columns.filter(({ name, type }) => name !== target && type !== 'ignore');
}
