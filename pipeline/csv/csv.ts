import { Buffer } from 'node:buffer';
import { cellText, CsvReader } from './reader.ts';
import type { RawTable } from './table.ts';

/**
 * Reads the whole of a file as {@link CsvReader} does, for tables small enough to be held as text.
 * @param file name used in errors
 * @throws BadData for anything that is not such a table, naming the file and, where there is one, the line
 */
export function parseCsv(bytes: Uint8Array, file: string, delimiter = ','): RawTable {
  const reader = new CsvReader([bytes], file, { delimiter });
  const { header, width } = reader;
  const rows: string[][] = [];
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++)
      rows.push(header.map((_, column) => cellText(block, row * width + column)));
  }
  return { header, rows };
}

/**
 * Writes the one canonical CSV of a table as UTF-8: commas, LF, a final newline, and quotes only around
 * cells that hold a quote, comma or line break, begin or end with white space, or would be a blank line.
 */
export function formatCsv(table: RawTable): Uint8Array {
  const lines = [formatRow(table.header)];
  for (const row of table.rows) lines.push(formatRow(row));
  lines.push('');
  return Buffer.from(lines.join('\n'), 'utf8');
}

/** One line of canonical CSV, without its line break. */
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
