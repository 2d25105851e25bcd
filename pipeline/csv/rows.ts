import { BadData } from '../../contract/failures.ts';
import type { Column } from '../batches/columns.ts';
import { conform, STRICT } from '../batches/conform.ts';
import { cellText, type RowBlock } from './reader.ts';
import { quote } from './quote.ts';

/**
 * Checks that a header holds the frozen columns' names, in their order.
 * @throws BadData naming what is gone, new or moved
 */
export function checkHeader(
  header: readonly string[],
  columns: readonly Column[],
  file: string,
): void {
  const contract = { contract: STRICT, isTable: true };
  conform(header, columns, { file, target: '', key: null, missingValues: [''], ...contract });
}

/**
 * The error for a cell that holds something else than the number its column has had since the pipeline
 * began. Row and column are indexes from 0.
 */
export function notANumber(...cell: Parameters<typeof notADeclaredNumber>): BadData {
  return new BadData(
    `${cellAt(...cell)} is not a number; mend the cell, or start a new pipeline in which it may stand ` +
      'there (data.missing_values, data.columns)',
  );
}

/** The error for a cell of a column that is declared a number, when it is first read. */
export function notADeclaredNumber(
  block: RowBlock,
  row: number,
  column: number,
  { file, header }: { readonly file: string; readonly header: readonly string[] },
): BadData {
  const name = header[column]!;
  return new BadData(
    `${cellAt(block, row, column, { file, header })} is not a number; mend the cell, add it to ` +
      `data.missing_values, or declare data.columns.${name}: category`,
  );
}

/** The error for a cell of the column to predict that holds something else than a number, likewise. */
export function notAQuantity(...cell: Parameters<typeof notADeclaredNumber>): BadData {
  return new BadData(
    `${cellAt(...cell)} is not a number, and a regression (model.task) predicts numbers; mend the cell, ` +
      'add it to data.missing_values, or set model.task to classification',
  );
}

function cellAt(
  block: RowBlock,
  row: number,
  column: number,
  { file, header }: { readonly file: string; readonly header: readonly string[] },
): string {
  const text = quote(cellText(block, row * header.length + column));
  return `${file}, row ${block.firstRow + row} (line ${block.lines[row]}), column ${quote(header[column]!)}: ${text}`;
}
