/**
 * A small table on which one thread fits a tree for long: labels that alternate make each split cut off a
 * few rows at an end, so that the tree is as deep as it may be and nearly all rows are looked at on every level.
 * 40 000 rows of 30 columns take about 10 s, three times the columns three times as long.
 */
export function slowCsv({ rows, columns }: { rows: number; columns: number }): string {
  const width = Array.from({ length: columns }, (_, column) => column);
  const lines = Array.from({ length: rows }, (_, row) =>
    [...width.map((column) => row + 1000 * column), row % 2 === 0 ? 'even' : 'odd'].join(','),
  );
  return `${[...width.map((column) => `c${column}`), 'label'].join(',')}\n${lines.join('\n')}\n`;
}

/** The params under which it is slow. */
export function slowParams(source: string, rows: number) {
  return { data: { source, target: 'label', batch_size: rows }, model: { max_depth: 1000 } };
}
