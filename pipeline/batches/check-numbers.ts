import { BadData } from '../../contract/failures.ts';
import { CellRule, type CellSettings, classifyBytes, UNCERTAIN } from '../csv/cells.ts';
import { quote } from '../csv/quote.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';
import type { Column } from './columns.ts';

/**
 * Returns a function that checks one row of a block: every cell of a number column must be a decimal number or
 * missing. It throws BadData naming the first cell that is neither.
 * @param columns the frozen columns; those that the file lacks are not checked
 */
export function makeNumberCheck(
  reader: CsvReader,
  columns: readonly Column[],
  settings: CellSettings,
): (block: RowBlock, row: number) => void {
  const rule = new CellRule(settings);
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
      throw makeNumberError(block, row, column, reader);
    }
  };
}

/**
 * Returns the error for a cell that is not a number in a column that has held numbers since the pipeline began.
 * Row and column are indexes from 0.
 */
export function makeNumberError(...cell: Parameters<typeof makeDeclaredNumberError>): BadData {
  return new BadData(
    `${describeCell(...cell)} is not a number; correct the cell, or start a new pipeline that allows it ` +
      '(data.missing_values, data.columns)',
  );
}

/** Returns the error for a cell that is not a number in a column declared as number, when the data is first read. */
export function makeDeclaredNumberError(
  block: RowBlock,
  row: number,
  column: number,
  { file, header }: { readonly file: string; readonly header: readonly string[] },
): BadData {
  const name = header[column]!;
  return new BadData(
    `${describeCell(block, row, column, { file, header })} is not a number; correct the cell, add it to ` +
      `data.missing_values, or declare data.columns.${name}: category`,
  );
}

/** Returns the error for a cell that is not a number in the target of a regression, when the data is first read. */
export function makeQuantityError(...cell: Parameters<typeof makeDeclaredNumberError>): BadData {
  return new BadData(
    `${describeCell(...cell)} is not a number, and a regression (model.task) predicts numbers; correct the cell, ` +
      'add it to data.missing_values, or set model.task to classification',
  );
}

function describeCell(
  block: RowBlock,
  row: number,
  column: number,
  { file, header }: { readonly file: string; readonly header: readonly string[] },
): string {
  const text = quote(readCell(block, row * header.length + column));
  return `${file}, row ${block.firstRow + row} (line ${block.lines[row]}), column ${quote(header[column]!)}: ${text}`;
}
