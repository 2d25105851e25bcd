import type { Column } from '../batches/columns.ts';
import { CellRule, classifyBytes, UNCERTAIN } from './cells.ts';
import { cellText, type CsvReader, type RowBlock } from './reader.ts';
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
      if (rule.readNumber(cellText(block, index)) !== undefined) continue;
      throw notANumber(block, row, column, reader);
    }
  };
}
