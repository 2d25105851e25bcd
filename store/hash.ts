import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json.ts';
import type { Ref } from '../contract/ref.ts';

/** SHA-256 of bytes or UTF-8 text, as 64 hex digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** MD5 of bytes or UTF-8 text, as 32 hex digits. DVC names objects by it; bytes are checked by their SHA-256. */
export function md5(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** SHA-256 of the canonical JSON of a value, in hex. */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** Returns the reference of these bytes at `path`. */
export function refOf(path: string, bytes: Uint8Array): Ref {
  return { path, md5: md5(bytes), sha256: sha256(bytes), size: bytes.byteLength };
}

/** The same for bytes in chunks. Each chunk is passed to `sink`. */
export async function refOfChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  sink?: (chunk: Uint8Array) => unknown,
): Promise<Ref> {
  const [byMd5, bySha256] = [createHash('md5'), createHash('sha256')];
  let size = 0;
  for await (const chunk of chunks) {
    byMd5.update(chunk);
    bySha256.update(chunk);
    size += chunk.byteLength;
    await sink?.(chunk);
  }
  return { path, md5: byMd5.digest('hex'), sha256: bySha256.digest('hex'), size };
}

/** `files/md5/ab/cdef…`: where DVC 3 keeps an object of this name. */
export function objectKey(hash: string): string {
  return `files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`;
}

/** The key of a directory's manifest, by its SHA-256. */
export function manifestKey(sha256Hex: string): string {
  return `manifests/sha256/${sha256Hex.slice(0, 2)}/${sha256Hex.slice(2)}`;
}
