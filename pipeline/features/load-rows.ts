import type { Encoder } from './encoder.ts';
import { applyEncoder, concatMatrices, type Matrix } from './matrix.ts';
import { countRows, partFromArrow } from './part.ts';
import type { Report } from '../progress.ts';

/**
 * Reads and encodes the rows of some parts: all of them, and those of the last part alone.
 * @param parts Arrow files; each is removed from this list when it is read, so that it is not held beside its
 * rows
 */
export function loadRows(
  parts: Uint8Array[],
  encoder: Encoder,
  report?: Report,
): { all: Matrix; last: Matrix | undefined } {
  const most = parts.reduce((sum, bytes) => sum + countRows(bytes), 0);
  const count = parts.length;
  let last: Matrix | undefined;
  function* each(): Generator<Matrix> {
    for (let bytes = parts.shift(); bytes !== undefined; bytes = parts.shift()) {
      last = applyEncoder(encoder, partFromArrow(bytes));
      report?.(1 - parts.length / count);
      yield last;
    }
  }
  return { all: concatMatrices(each(), most), last };
}

/** A sentence on rows that were left out, where there are any. */
export function warnOfDropped({ dropped }: Matrix, side: 'train' | 'test'): string[] {
  return dropped === 0 ? [] : [`${dropped} ${side} rows with a missing cell are left out`];
}
