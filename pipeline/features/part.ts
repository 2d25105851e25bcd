/** A column of numbers; NaN where the cell is missing. */
export interface NumberColumn {
  readonly name: string;
  readonly type: 'number';
  readonly values: Float64Array;
}

/** A column of words: `words` are the distinct ones in code-point order, `codes` index them, -1 where the cell is missing. */
export interface WordColumn {
  readonly name: string;
  readonly type: 'category';
  readonly words: readonly string[];
  readonly codes: Int32Array;
}

export type PartColumn = NumberColumn | WordColumn;

/** One side of one batch, by column: features in the file's order, and for every row its label, a word or a number. */
export interface Part {
  readonly rows: number;
  readonly columns: readonly PartColumn[];
  readonly label: PartColumn;
}

/** The cells of a column of words, one per row; null where the cell is missing. */
export function wordCells(column: WordColumn): (string | null)[] {
  return Array.from(column.codes, (code) => column.words[code] ?? null);
}

/** The label of every row in words; none where they are numbers. */
export function labelsOf({ label }: Part): string[] {
  if (label.type === 'number') return [];
  return Array.from(label.codes, (code) => label.words[code]!);
}
