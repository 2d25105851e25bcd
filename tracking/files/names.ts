import { createHash } from 'node:crypto';
import { legalNames } from '../mlflow/limits.ts';

/** The longest part of a path that common file systems take is 255 bytes. */
const PART_BYTES = 240;

/**
 * Names of params, metrics and tags as paths under their folder: those a server would take, and cut
 * where a file system would refuse them (a name is UTF-8 there, up to four bytes a letter).
 * @returns `[path, value]` in the given order.
 */
export function filePaths<T>(values: Record<string, T>): [string, T][] {
  return legalNames(values).map(([name, value]) => [name.split('/').map(fitting).join('/'), value]);
}

function fitting(part: string): string {
  if (Buffer.byteLength(part) <= PART_BYTES) return part;
  const hash = createHash('sha256').update(part).digest('hex').slice(0, 8);
  let cut = part;
  while (Buffer.byteLength(cut) > PART_BYTES - 9) cut = cut.slice(0, -1);
  // A letter of two code units is not cut in half.
  return `${cut.replace(/[\uD800-\uDBFF]$/, '')}-${hash}`;
}
