/** The Web UI trims cells and puts no space between them. It keeps only this no-break space. */
const GAP = '\u00a0';

/** A table in Markdown. Columns of numbers are aligned right. Each cell is one line of Markdown. */
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

/** Escapes text from outside, such as the name of a file or a column, for one line of Markdown. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, '\\$&');
}

/** Groups the digits of a count by three, with a no-break space: 1 240. */
export function groupDigits(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
}
