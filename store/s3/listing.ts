import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { ListedObject } from '../bucket.ts';
import { isMissing } from './errors.ts';

/** What is listed: all keys of a bucket that begin so. */
interface Under {
  bucket: string;
  prefix: string;
  /** What is thrown where a request fails. */
  failure: (error: unknown) => unknown;
}

/** What stands under a prefix, in the server's order, page by page. */
export async function* listObjects(client: S3Client, under: Under): AsyncGenerator<ListedObject> {
  for await (const page of pages(client, under))
    for (const { Key: key, Size: size, LastModified: modified } of page.Contents ?? [])
      if (key !== undefined && !key.endsWith('/'))
        yield { key, size: size ?? 0, modified: modified ?? new Date(0) };
}

/** What stands right under a prefix that ends in `/`: names of objects, and of folders with their `/`. */
export async function listNames(client: S3Client, under: Under): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pages(client, under, '/')) {
    const keys = [
      ...(page.Contents ?? []).map(({ Key: key }) => key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix: folder }) => folder),
    ];
    for (const key of keys) if (key !== undefined) names.push(key.slice(under.prefix.length));
  }
  return names;
}

async function* pages(client: S3Client, { bucket, prefix, failure }: Under, delimiter?: string) {
  const listed = { Bucket: bucket, Prefix: prefix, Delimiter: delimiter };
  try {
    yield* paginateListObjectsV2({ client }, listed);
  } catch (error) {
    if (!isMissing(error)) throw failure(error); // a bucket that does not exist yet is empty
  }
}
