import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { isMissing } from './errors.ts';

/** A key as a listing shows it. */
export interface ListedObject {
  key: string;
  size: number;
  /** When it was last written, by the server's clock. */
  modified: Date;
}

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

async function* pages(client: S3Client, under: Under, delimiter?: string) {
  let from: string | undefined;
  do {
    const page = await pageOf(client, under, from, delimiter);
    if (page === undefined) return;
    yield page;
    from = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (from !== undefined);
}

async function pageOf(
  client: S3Client,
  { bucket, prefix, failure }: Under,
  from: string | undefined,
  delimiter: string | undefined,
) {
  try {
    return await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        Delimiter: delimiter,
        ...(from === undefined ? {} : { ContinuationToken: from }),
      }),
    );
  } catch (error) {
    if (isMissing(error)) return undefined; // no bucket yet
    throw failure(error);
  }
}
