import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  paginateListParts,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { UploadWatch } from '../bucket.ts';
import { deadline, underSignal } from '../signal.ts';

/** Bytes in a part, and so in memory at once. S3 accepts 5 MiB to 5 GiB. */
const PART = 16 * 1024 * 1024;

/** S3 accepts at most 10 000 parts. */
const MOST_PARTS = 9_000;

/** How long an abort may take. */
const ABORT_MS = 3_000;

/** The key and the metadata of an upload. */
export interface Upload {
  Bucket: string;
  Key: string;
  Metadata: Record<string, string>;
}

/**
 * Uploads a file in parts, each sent with its MD5, so that what arrives is what was sent. A failure aborts
 * the upload, as far as the server can still be reached.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 *
 * It does not use `@aws-sdk/lib-storage`, for three reasons (version 3.1173). That reports an upload only after
 * a part is stored, so the parts of a process that was killed before are never found. It sends the abort under
 * the signal that stopped the upload, so no abort is sent. When the abort fails, the first error is lost.
 */
export async function uploadParts(
  client: S3Client,
  upload: Upload,
  file: string,
  size: number,
  watch: UploadWatch,
): Promise<void> {
  const { Bucket, Key } = upload;
  const begun = await client.send(
    new CreateMultipartUploadCommand({ ...upload, ContentType: 'application/octet-stream' }),
  );
  const { UploadId } = begun;
  try {
    await watch.begun(UploadId!);
    await sendParts(client, { Bucket, Key, UploadId }, file, size, watch);
  } catch (error) {
    const late = deadline(ABORT_MS);
    await underSignal(late.signal, async () => {
      await abortUpload(client, { Bucket, Key, UploadId });
      await watch.ended();
    }).catch(() => undefined); // the first error is the one to report
    late.clear();
    throw error;
  }
  await watch.ended();
}

/** An upload in progress. */
interface Begun {
  Bucket: string;
  Key: string;
  UploadId: string | undefined;
}

async function sendParts(
  client: S3Client,
  begun: Begun,
  file: string,
  size: number,
  watch: UploadWatch,
): Promise<void> {
  const handle = await open(file);
  try {
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    const length = Math.max(PART, Math.ceil(size / MOST_PARTS));
    for (let from = 0; from < size; from += length) {
      const Body = await slice(handle, from, Math.min(length, size - from));
      const PartNumber = Parts.length + 1;
      const ContentMD5 = createHash('md5').update(Body).digest('base64');
      const part = { ...begun, PartNumber, Body, ContentMD5 };
      const { ETag } = await client.send(new UploadPartCommand(part));
      Parts.push({ ETag, PartNumber });
      await watch.going();
    }
    await client.send(new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts } }));
  } finally {
    await handle.close();
  }
}

/** Aborts an upload and removes its parts. */
export async function abortUpload(client: S3Client, upload: Begun): Promise<void> {
  await client.send(new AbortMultipartUploadCommand(upload));
}

/** Returns the bytes of the parts that are stored. */
export async function sizeOfParts(client: S3Client, upload: Begun): Promise<number> {
  let size = 0;
  for await (const page of paginateListParts({ client }, upload)) {
    for (const part of page.Parts ?? []) size += part.Size ?? 0;
    if (page.IsTruncated !== true) break; // MinIO gives a marker on the last page too
  }
  return size;
}

async function slice(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, from + read);
    if (bytesRead === 0) throw new Error('the file became shorter while it was being stored');
    read += bytesRead;
  }
  return bytes;
}
