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
 * Puts matrices of one encoder below each other. They are taken one by one and none is kept.
 * @param matrices at least one, all with the same names
 * @param most rows they have together, at the most
 */
export function concatMatrices(matrices: Iterable<Matrix>, most: number): Matrix {
  // Where several threads may fit a tree on it.
  const room = (): Float64Array => new Float64Array(new SharedArrayBuffer(8 * most));
  let names: readonly string[] | undefined;
  let columns: Float64Array[] = [];
  let targets: Float64Array | undefined;
  const labels: string[] = [];
  let rows = 0;
  let dropped = 0;
  for (const matrix of matrices) {
    if (names === undefined) {
      names = matrix.names;
      columns = names.map(room);
      targets = matrix.targets && room();
    }
    columns.forEach((column, c) => column.set(matrix.columns[c]!, rows));
    if (targets !== undefined) targets.set(matrix.targets!, rows);
    for (const label of matrix.labels) labels.push(label);
    rows += matrix.rows;
    dropped += matrix.dropped;
  }
  if (names === undefined) throw new RangeError('concatMatrices needs at least one matrix');
  const taken = (column: Float64Array): Float64Array =>
    rows === most ? column : column.subarray(0, rows);
  return {
    rows,
    names,
    columns: columns.map(taken),
    labels,
    targets: targets && taken(targets),
    dropped,
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
