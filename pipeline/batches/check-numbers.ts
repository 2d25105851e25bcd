import { BadData } from '../../contract/failures.ts';
import { CellRule, type CellSettings, UNCERTAIN } from '../csv/cells.ts';
import { nameColumnParam, quote } from '../csv/quote.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';
import { indexNames, type Column } from './columns.ts';

/**
 * Returns a function that checks one row of a block: every cell of a column of numbers or dates must be one, or
 * missing. It throws BadData naming the first cell that is neither.
 * @param columns the frozen columns; those that the file lacks are not checked
 */
export function makeNumberCheck(
  reader: Pick<CsvReader, 'file' | 'header' | 'width'>,
  columns: readonly Column[],
  settings: CellSettings,
): (block: RowBlock, row: number) => void {
  const rule = new CellRule(settings);
  const places = indexNames(reader.header);
  const checked = columns.flatMap(({ name, type }) => {
    const index = places.get(name);
    return index !== undefined && (type === 'number' || type === 'date') ? [{ index, type }] : [];
  });
  return (block, row) => {
    const { bytes, cells } = block;
    for (const { index: column, type } of checked) {
      const index = row * reader.width + column;
      const [start, end] = [cells[2 * index]!, cells[2 * index + 1]!];
      if (type === 'date') {
        if (rule.readDate(readCell(block, index)) === undefined)
          throw makeDateError(block, row, column, reader);
      } else if (
        rule.classify(bytes, start, end) === UNCERTAIN &&
        rule.readNumber(readCell(block, index)) === undefined
      )
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

/** Returns the error for a cell that is not a date in a column of dates. */
export function makeDateError(...cell: Parameters<typeof makeDeclaredNumberError>): BadData {
  return new BadData(
    `${describeCell(...cell)} is not a date (ISO 8601, such as 2024-02-29 or 2024-02-29T12:30); correct the cell, or ` +
      'start a new pipeline that allows it (data.missing_values, data.columns)',
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
      `data.missing_values, or declare ${nameColumnParam(name)}: category`,
  );
}

/** Returns the error for a cell that is not a number in the target of a regression, when the data is first read. */
export function makeQuantityError(...cell: Parameters<typeof makeDeclaredNumberError>): BadData {
  return new BadData(
    `${describeCell(...cell)} is not a number, and a regression (model.task) predicts numbers; correct the cell, ` +
      'add it to data.missing_values, or set model.task to classification',
  );
}

export function describeCell(
  block: RowBlock,
  row: number,
  column: number,
  { file, header }: { readonly file: string; readonly header: readonly string[] },
): string {
  const text = quote(readCell(block, row * header.length + column));
  return `${file}, row ${block.firstRow + row} (line ${block.lines[row]}), column ${quote(header[column]!)}: ${text}`;
}
