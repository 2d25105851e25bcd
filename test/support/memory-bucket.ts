import type { Bucket, Condition } from '../../store/s3/bucket.ts';
import { sha256 } from '../../store/hash.ts';

/** A bucket in memory, with S3's conditions: for laws that take thousands of requests. */
export function memoryBucket(): Bucket {
  const objects = new Map<string, Buffer>();
  const etagOf = (bytes: Uint8Array): string => sha256(bytes).slice(0, 32);
  const holds = (key: string, condition: Condition | undefined): boolean => {
    const standing = objects.get(key);
    if (condition === undefined) return true;
    if ('absent' in condition) return standing === undefined;
    return standing !== undefined && etagOf(standing) === condition.etag;
  };
  const found = <T>(key: string, as: (bytes: Buffer) => T): T | undefined => {
    const bytes = objects.get(key);
    return bytes === undefined ? undefined : as(bytes);
  };
  const whole = async function* (bytes: Buffer): AsyncGenerator<Uint8Array> {
    yield bytes;
  };
  const bucket: Pick<Bucket, 'get' | 'head' | 'names' | 'open' | 'put'> = {
    get: async (key) => found(key, (bytes) => ({ bytes, etag: etagOf(bytes) })),
    head: async (key) =>
      found(key, (bytes) => ({
        size: bytes.length,
        etag: etagOf(bytes),
        sha256: sha256(bytes),
        ours: true,
      })),
    names: async (prefix) => {
      const under = [...objects.keys()].filter((key) => key.startsWith(prefix));
      const names = under.map((key) => /^[^/]*\/?/.exec(key.slice(prefix.length))![0]);
      return [...new Set(names)].sort();
    },
    open: async (key) =>
      found(key, (bytes) => ({
        size: bytes.length,
        etag: etagOf(bytes),
        chunks: whole(bytes),
      })),
    put: async (key, bytes, { condition }) => {
      if (!holds(key, condition)) return undefined;
      objects.set(key, Buffer.from(bytes));
      return etagOf(bytes);
    },
  };
  return bucket as Bucket;
}
