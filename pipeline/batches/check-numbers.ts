import { BadData } from '../../contract/failures.ts';
import { CellRule, classifyBytes, UNCERTAIN } from '../csv/cells.ts';
import { quote } from '../csv/quote.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';
import type { Column } from './columns.ts';

/**
 * Checks rows one by one: every cell of a number column is a decimal number or missing.
 * @param columns by name; those the file lacks are left out
 * @returns a function of a block and an index of a row in it, which throws BadData naming the first
 *   cell that is neither
 */
export function makeNumberCheck(
  reader: CsvReader,
  columns: readonly Column[],
  missingValues: readonly string[],
): (block: RowBlock, row: number) => void {
  const rule = new CellRule(missingValues);
  const numbers = columns
    .filter(({ type }) => type === 'number')
    .map(({ name }) => reader.header.indexOf(name))
    .filter((index) => index >= 0);
  return (block, row) => {
    const { bytes, cells } = block;
    for (const column of numbers) {
      const index = row * reader.width + column;
      if (classifyBytes(bytes, cells[2 * index]!, cells[2 * index + 1]!) !== UNCERTAIN) continue;
      if (rule.readNumber(readCell(block, index)) !== undefined) continue;
      throw notANumber(block, row, column, reader);
    }
  };
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
  const text = quote(readCell(block, row * header.length + column));
  return `${file}, row ${block.firstRow + row} (line ${block.lines[row]}), column ${quote(header[column]!)}: ${text}`;
}
