/** The Web UI puts no space between cells and trims theirs: only this space keeps them apart. */
const GAP = '\u00a0';

/** A table in Markdown, with columns of numbers aligned right. Cells hold Markdown of one line. */
export function markdownTable(head: string[], rows: string[][]): string {
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

/** 1 240: groups of three with a space that does not break. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
}
