import { BadData } from '../errors.ts';
import { isMissing, missingWords, numberOf } from './cells.ts';
import type { Column } from './columns.ts';
import { conform, STRICT } from './conform.ts';
import { lineOf, quote, type RawTable } from './table.ts';

/** Where rows come from: `firstRow` is the number in the file (from 1) of the table's first row. */
export interface Origin {
  readonly file: string;
  readonly firstRow?: number;
}

/**
 * Checks that every cell of a number column is a decimal number or missing.
 * @param columns may be fewer than the table has
 * @throws BadData naming the first offending cell
 */
export function checkRows(
  table: RawTable,
  columns: readonly Column[],
  options: Origin & { readonly missingValues: readonly string[] },
): void {
  const missing = missingWords(options.missingValues);
  const numbers = columns.flatMap(({ name, type }) =>
    type === 'number' ? [table.header.indexOf(name)] : [],
  );
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
  conform(header, columns, { file, target: '', key: null, missingValues: [''], contract: STRICT });
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
