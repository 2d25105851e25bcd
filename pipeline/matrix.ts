/** Encoded rows, by column and without gaps: `columns[c][r]` is feature `names[c]` of row r, `labels[r]` its label. */
export interface Matrix {
  readonly rows: number;
  readonly names: readonly string[];
  readonly columns: readonly Float64Array[];
  readonly labels: readonly string[];
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
  const columns = first.names.map((_, c) => {
    // Where several threads may fit a tree on it.
    const column = new Float64Array(new SharedArrayBuffer(8 * rows));
    let at = 0;
    for (const matrix of matrices) {
      column.set(matrix.columns[c]!, at);
      at += matrix.rows;
    }
    return column;
  });
  return {
    rows,
    names: first.names,
    columns,
    labels: matrices.flatMap(({ labels }) => labels),
    dropped: matrices.reduce((sum, { dropped }) => sum + dropped, 0),
  };
}

/** The given rows of a matrix, in the given order. */
export function takeRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  return {
    ...matrix,
    rows: rows.length,
    columns: matrix.columns.map((column) => Float64Array.from(rows, (row) => column[row]!)),
    labels: Array.from(rows, (row) => matrix.labels[row]!),
  };
}
