import { open } from 'node:fs/promises';
import { createHash } from 'node:crypto';

const PIECE = 1 << 20;
const [LF, CR] = [10, 13];

/**
 * Whether a file begins with a text that was known, whole rows of it: whatever comes after begins a row of
 * its own.
 * @param known size in bytes and SHA-256 of that text
 */
export async function beginsWith(
  file: string,
  known: { size: number; sha256: string },
): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafe(PIECE);
    let last = LF;
    for (let at = 0; at < known.size;) {
      const length = Math.min(PIECE, known.size - at);
      const { bytesRead } = await handle.read(piece, 0, length, at);
      if (bytesRead === 0) return false;
      hash.update(piece.subarray(0, bytesRead));
      last = piece[bytesRead - 1]!;
      at += bytesRead;
    }
    if (hash.digest('hex') !== known.sha256) return false;
    const { bytesRead } = await handle.read(piece, 0, 1, known.size);
    return [last, bytesRead === 0 ? LF : piece[0]!].some((byte) => byte === LF || byte === CR);
  } finally {
    await handle.close();
  }
}
