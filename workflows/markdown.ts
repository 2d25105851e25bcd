/** The Web UI sets cells edge to edge: only a space that is not trimmed keeps them apart. */
const GAP = '\u00a0';

/** A table in Markdown; columns of numbers stand to the right. Cells hold Markdown of one line. */
export function tableOf(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const spaced = (cells: string[]): string => line(cells.map((cell) => `${GAP}${cell}${GAP}`));
  const rules = head.map((_, column) =>
    rows.every((row) => isNumber(row[column] ?? '')) ? '---:' : ':---',
  );
  return [spaced(head), line(rules), ...rows.map(spaced)].join('\n');
}

function isNumber(cell: string): boolean {
  return /^[\d.\u00a0]*(?: ms)?$/.test(cell);
}

/** Text from outside (a column's name, a file's) as text in Markdown, on one line. */
export function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, '\\$&');
}
