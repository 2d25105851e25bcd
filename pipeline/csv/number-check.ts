import { CellReader, isDecimal } from './cell-reader.ts';
import { numberOf } from './cells.ts';
import type { Column } from '../batches/columns.ts';
import type { CsvReader, RowBlock } from './reader.ts';
import { notANumber } from './rows.ts';

/**
 * Checks rows one by one: every cell of a number column is a decimal number or missing.
 * @param columns by name; those the file lacks are left out
 * @returns a function of a block and an index of a row in it, which throws BadData naming the first
 *   cell that is neither
 */
export function numberCheck(
  reader: CsvReader,
  columns: readonly Column[],
  missingValues: readonly string[],
): (block: RowBlock, row: number) => void {
  const cells = new CellReader(missingValues);
  const numbers = columns
    .filter(({ type }) => type === 'number')
    .map(({ name }) => reader.header.indexOf(name))
    .filter((index) => index >= 0);
  return (block, row) => {
    const { bytes } = block;
    for (const index of numbers) {
      const at = 2 * (row * reader.width + index);
      const start = block.cells[at]!;
      const end = block.cells[at + 1]!;
      if (isDecimal(bytes, start, end) || cells.isMissing(bytes, start, end)) continue;
      if (cells.isPlainNumber(bytes) || numberOf(cells.text(bytes)) !== null) continue;
      throw notANumber(block, row, index, reader);
    }
  };
}
