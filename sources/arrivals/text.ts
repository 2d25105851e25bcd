import { BadData, SourceRefused } from '../../contract/failures.ts';
import type { Encoding } from '../latin1.ts';
import { textOf } from '../text.ts';
import { MOST_BYTES } from './place.ts';

/**
 * The text of a file that arrived, as UTF-8: unpacked where it is gzip, decoded where it is Latin-1. What is
 * kept of it is the file as it came.
 * @throws BadData when it is a file of another kind, or too large once it is unpacked
 */
export async function textOfFile(
  name: string,
  bytes: Uint8Array,
  encoding: Encoding,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of textOf(once(bytes), { name, encoding, limit: MOST_BYTES }))
      pieces.push(piece);
  } catch (error) {
    if (!(error instanceof SourceRefused)) throw error;
    const reason = `${name} has more than ${MOST_BYTES} bytes once it is unpacked, the most of a batch: split it`;
    throw new BadData(reason, { cause: error });
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
