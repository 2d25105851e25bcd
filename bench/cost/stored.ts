import type { Bucket } from '../../store/bucket.ts';

/** Bytes of all objects under a prefix. */
export async function storedBytes(bucket: Bucket, prefix: string): Promise<number> {
  let sum = 0;
  for await (const { size } of bucket.list(prefix)) sum += size;
  return sum;
}
