import { closeSync, openSync, writeSync } from 'node:fs';
import { generator } from '../tree-data.ts';

/** What the cells of a table are like. */
export type Kind = 'numbers' | 'mixed' | 'digits';

/** Columns of each kind, the label not counted. */
const WIDTHS: Record<Kind, number> = { numbers: 20, mixed: 12, digits: 20 };

/** Bytes written at a time. */
const PIECE = 1 << 22;

/**
 * Writes a CSV of about `size` bytes, the same for a kind and a size on every machine.
 * `numbers`: integers and decimals of two to six places. `mixed`: six such columns, six of words with 5 to
 * 20 000 different ones, and one cell in fifty missing. `digits`: every number with all 16 or 17 digits of a
 * float64, which is the slowest there is to read.
 * @returns its rows
 */
export function writeCsv(file: string, kind: Kind, size: number): number {
  const random = generator(1);
  const makers = makersOf(kind, random);
  const handle = openSync(file, 'w');
  let text = `${makers.map((_, i) => `x${i}`).join(',')},label\n`;
  let rows = 0;
  let written = 0;
  while (written + text.length < size) {
    for (const make of makers) text += `${make()},`;
    text += `${['low', 'middle', 'high'][Math.floor(random() * 3)]}\n`;
    rows++;
    if (text.length < PIECE) continue;
    written += writeAll(handle, text);
    text = '';
  }
  writeAll(handle, text);
  closeSync(handle);
  return rows;
}

function makersOf(kind: Kind, random: () => number): (() => string)[] {
  return Array.from({ length: WIDTHS[kind] }, (_, i) => {
    if (kind === 'digits') return () => String(random() * 1000);
    if (kind === 'numbers') return decimals(i, random);
    const make =
      i % 2 === 0 ? decimals(i >> 1, random) : words([5, 50, 500, 20_000][(i >> 1) % 4]!, random);
    return () => (random() < 0.02 ? '' : make());
  });
}

function decimals(column: number, random: () => number): () => string {
  const places = [0, 2, 4, 6][column % 4]!;
  return () => (random() * 2000 - 1000).toFixed(places);
}

function words(different: number, random: () => number): () => string {
  return () => `word-${Math.floor(random() * different).toString(36)}`;
}

function writeAll(handle: number, text: string): number {
  const bytes = Buffer.from(text);
  // One call may write less than it is given.
  for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
  return bytes.length;
}
