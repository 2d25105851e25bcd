/**
 * One line of canonical CSV, without its line break: commas, and quotes only around cells that hold a quote,
 * comma or line break, begin or end with white space, or would be a blank line.
 */
export function formatRow(cells: readonly string[]): string {
  if (cells.length === 1 && cells[0] === '') return '""';
  let line = '';
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]!;
    const written = /[",\r\n]|^\s|\s$/.test(cell) ? quoted(cell) : cell;
    line += i === 0 ? written : `,${written}`;
  }
  return line;
}

/** A cell in quotes. */
export function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}
