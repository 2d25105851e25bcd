import { createHash } from 'node:crypto';
import type { Cell } from '../csv/cells.ts';

/**
 * What the hash is keyed with: it keeps this hash apart from every other use of SHA-256 on the same
 * cells. Must never change: it decides which side every row ever seen is on.
 */
export const SPLIT_KEY = 'incremental-retraining/split/1\n';

/**
 * Where a row falls between 0 (included) and 1: the first 53 bits of the SHA-256 of the key and the
 * cells' JSON. Numbers print as ECMAScript prints them, words are JSON strings and a missing cell is
 * `null`, so no two different rows share an encoding and `5.10` and `5.1` are one number.
 * @param cells the row's feature cells, or those of `split.key`; never the label
 */
export function splitPoint(cells: readonly Cell[]): number {
  const digest = createHash('sha256').update(SPLIT_KEY).update(JSON.stringify(cells)).digest();
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/**
 * Whether a row is held out for scoring. It depends on the row alone, so a row keeps its side whatever
 * arrives later, equal rows stay together, and a larger `testSize` only moves rows to the test side.
 * @param testSize share of rows to hold out, between 0 and 1
 */
export function isTestRow(cells: readonly Cell[], testSize: number): boolean {
  return splitPoint(cells) < testSize;
}
