/** A data set as text: every cell verbatim, every row as long as the header. */
export interface RawTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * The line of the file (from 1) on which a row starts, counting line breaks inside quoted cells.
 * @param row index of the row, from 0
 */
export function lineOf(table: RawTable, row: number): number {
  let line = 2 + lineBreaks(table.header);
  for (let i = 0; i < row; i++) line += 1 + lineBreaks(table.rows[i]!);
  return line;
}

function lineBreaks(cells: readonly string[]): number {
  let breaks = 0;
  for (const cell of cells) breaks += cell.match(/\r\n|\n|\r/g)?.length ?? 0;
  return breaks;
}

/** A cell for an error message: quoted, on one line, cut to 40 characters. */
export function quote(cell: string): string {
  const characters = Array.from(cell);
  return JSON.stringify(characters.length > 40 ? `${characters.slice(0, 40).join('')}…` : cell);
}

/** Names for an error message: quoted, and past ten of them only their number. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(quote).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
