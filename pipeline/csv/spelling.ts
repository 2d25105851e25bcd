import { Buffer } from 'node:buffer';
import { quoted } from './csv.ts';
import type { RowBlock } from './reader.ts';

const QUOTE = 34;

/** Bytes [start, end) of a buffer. */
export interface Spelling {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * A row as its file spells it, without its line break. Reading has made doubled quotes single where they stand, so
 * a row with a cell in quotes is spelt anew.
 * @param width columns of the table
 * @param delimiter between its cells
 */
export function spellingOf(
  block: RowBlock,
  row: number,
  width: number,
  delimiter: string,
): Spelling {
  const { bytes, bounds, cells } = block;
  if (block.quoted[row] === 0) return { bytes, start: bounds[2 * row]!, end: bounds[2 * row + 1]! };
  const texts = Array.from({ length: width }, (_, column) => {
    const at = 2 * (row * width + column);
    const text = bytes.toString('utf8', cells[at], cells[at + 1]);
    // Only the quote that opens it can stand before a cell.
    return bytes[cells[at]! - 1] === QUOTE ? quoted(text) : text;
  });
  const spelt = Buffer.from(texts.join(delimiter));
  return { bytes: spelt, start: 0, end: spelt.length };
}
