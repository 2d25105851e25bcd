import { BadData } from '../errors.ts';
import { isMissing, missingWords, numberOf } from './cells.ts';
import type { Column } from './columns.ts';
import { lineOf, list, quote, type RawTable } from './table.ts';

/** Where rows come from: `firstRow` is the number in the file (from 1) of the table's first row. */
export interface Origin {
  readonly file: string;
  readonly firstRow?: number;
}

/**
 * Checks data that arrived later against the frozen columns: the same names in the same order, and a
 * decimal number or a missing value in every cell of a number column.
 * @throws BadData naming the first offending column or cell
 */
export function checkRows(
  table: RawTable,
  columns: readonly Column[],
  options: Origin & { readonly missingValues: readonly string[] },
): void {
  checkHeader(table.header, columns, options.file);
  const missing = missingWords(options.missingValues);
  const numbers = columns.flatMap(({ type }, index) => (type === 'number' ? [index] : []));
  for (let row = 0; row < table.rows.length; row++) {
    for (const index of numbers) {
      const cell = table.rows[row]![index]!;
      if (numberOf(cell) === null && !isMissing(cell, missing)) {
        throw notANumber(table, row, index, options);
      }
    }
  }
}

/**
 * Checks that a header holds the frozen columns' names, in their order.
 * @throws BadData naming what is gone, new or moved
 */
export function checkHeader(
  header: readonly string[],
  columns: readonly Column[],
  file: string,
): void {
  const names = columns.map(({ name }) => name);
  const gone = names.filter((name) => !header.includes(name));
  const added = header.filter((name) => !names.includes(name));
  const moved = names.findIndex((name, i) => header[i] !== name);
  const mend = 'mend the header, or start a new pipeline for data of another shape';
  if (gone.length > 0) {
    throw new BadData(
      `${file} lacks column ${list(gone)}, which earlier batches have` +
        `${added.length > 0 ? `, and adds ${list(added)}` : ''}: ${mend}`,
    );
  }
  if (added.length > 0) {
    throw new BadData(`${file} adds column ${list(added)}, which earlier batches lack: ${mend}`);
  }
  if (moved >= 0) {
    throw new BadData(
      `${file} has column ${quote(header[moved]!)} where earlier batches have ${quote(names[moved]!)}: ` +
        `put the columns in the order ${list(names)}`,
    );
  }
}

/** The error for a cell of a number column that holds something else. Row and column are indexes from 0. */
export function notANumber(table: RawTable, row: number, column: number, origin: Origin): BadData {
  const first = origin.firstRow ?? 1;
  const line = first === 1 ? ` (line ${lineOf(table, row)})` : '';
  const name = table.header[column]!;
  return new BadData(
    `${origin.file}, row ${first + row}${line}, column ${quote(name)}: ` +
      `${quote(table.rows[row]![column]!)} is not a number; mend the cell, add it to ` +
      `data.missing_values, or declare data.columns.${name}: category`,
  );
}
