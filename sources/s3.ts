import { SourceRefused, SourceUnavailable } from '../contract/failures.ts';
import type { Bucket, BucketOptions } from '../store/bucket.ts';
import { openBucket } from '../store/index.ts';
import { parseS3Address } from './identity.ts';
import { type OpenKind, type OpenSource, type SourceLimits, tooLarge } from './source.ts';

/** Opens `s3://bucket/key` on the server that sources are read from. */
export const openS3: OpenKind = async (source, { s3, limits, known }) => {
  const { bucket, key } = parseS3Address(source);
  return openInBucket({ ...s3, bucket }, async (place) => {
    const object = await openObject(place, key, { name: source, limits, known: known?.etag });
    if (object === 'missing')
      throw new SourceRefused(
        `${source} is not there on ${s3.endpoint ?? 'AWS S3'}: check the bucket's name and the key`,
      );
    return object === 'same' ? undefined : object;
  });
};

/** Opens a bucket and looks for a source in it. The bucket stays open while the source is open. */
export async function openInBucket(
  options: BucketOptions,
  find: (bucket: Bucket) => Promise<OpenSource | undefined>,
): Promise<OpenSource | undefined> {
  const bucket = openBucket(options);
  let found: OpenSource | undefined;
  try {
    found = await find(bucket);
    return found;
  } finally {
    if (found === undefined) bucket.close();
  }
}

/**
 * Opens one object. Its bytes are counted and compared with the announced size. Closing it closes the bucket.
 * @param options.known the ETag of the known state
 */
export async function openObject(
  bucket: Bucket,
  key: string,
  {
    name,
    limits,
    known,
  }: { name: string; limits: SourceLimits; known?: string | null | undefined },
): Promise<OpenSource | 'missing' | 'same'> {
  const head = await bucket.head(key);
  if (head === undefined) return 'missing';
  if (known !== null && known !== undefined && head.etag === known) return 'same';
  if (head.size > limits.bytes) throw tooLarge(name, limits.bytes);
  const object = await bucket.open(key);
  if (object === undefined) return 'missing';
  if (object.size !== head.size || object.etag !== head.etag)
    throw new SourceUnavailable(
      `${name} had ${head.size} bytes when it was looked up and ${object.size} when it was read, or it changed: it is tried again`,
    );
  return {
    chunks: checkSize(object.chunks, object.size, { name, limits }),
    stamp: { etag: object.etag, modified: null },
    close: () => bucket.close(),
  };
}

async function* checkSize(
  chunks: AsyncIterable<Uint8Array>,
  announced: number,
  { name, limits }: { name: string; limits: SourceLimits },
): AsyncGenerator<Uint8Array> {
  const deadline = Date.now() + limits.totalMs;
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.byteLength;
    if (Date.now() > deadline)
      throw new SourceUnavailable(
        `${name} took longer than ${limits.totalMs / 1_000} s to read: it is tried again; raise RETRAIN_SOURCE_TIMEOUT_SECONDS on the machine that reads it`,
      );
    yield chunk;
  }
  if (received !== announced)
    throw new SourceUnavailable(
      `${name} announced ${announced} bytes and sent ${received}: it is tried again`,
    );
}
