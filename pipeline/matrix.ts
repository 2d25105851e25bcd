/**
 * Encoded rows, by column and without gaps: `columns[c][r]` is feature `names[c]` of row r, `labels[r]` its
 * class. Where numbers are predicted `targets[r]` is its number, and there are no labels.
 */
export interface Matrix {
  readonly rows: number;
  readonly names: readonly string[];
  readonly columns: readonly Float64Array[];
  readonly labels: readonly string[];
  readonly targets?: Float64Array | undefined;
  /** Rows left out for a missing cell, where `preprocess.missing` is `drop`. */
  readonly dropped: number;
}

/**
 * Puts matrices of one encoder below each other.
 * @param matrices at least one, all with the same names
 */
export function concatMatrices(matrices: readonly Matrix[]): Matrix {
  const [first] = matrices;
  if (!first) throw new RangeError('concatMatrices needs at least one matrix');
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, 0);
  const joined = (columnOf: (matrix: Matrix) => Float64Array): Float64Array => {
    // Where several threads may fit a tree on it.
    const column = new Float64Array(new SharedArrayBuffer(8 * rows));
    let at = 0;
    for (const matrix of matrices) {
      column.set(columnOf(matrix), at);
      at += matrix.rows;
    }
    return column;
  };
  return {
    rows,
    names: first.names,
    columns: first.names.map((_, c) => joined(({ columns }) => columns[c]!)),
    labels: matrices.flatMap(({ labels }) => labels),
    targets: first.targets && joined(({ targets }) => targets!),
    dropped: matrices.reduce((sum, { dropped }) => sum + dropped, 0),
  };
}

/** The given rows of a matrix, in the given order. */
export function takeRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const { labels, targets } = matrix;
  return {
    ...matrix,
    rows: rows.length,
    columns: matrix.columns.map((column) => Float64Array.from(rows, (row) => column[row]!)),
    labels: targets === undefined ? Array.from(rows, (row) => labels[row]!) : [],
    targets: targets && Float64Array.from(rows, (row) => targets[row]!),
  };
}
