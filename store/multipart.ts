import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { deadline } from '../deadline.ts';
import { underSignal } from './signal.ts';

/** Bytes in a part, and so in memory at once; S3 takes 5 MiB to 5 GiB. */
const PART = 16 * 1024 * 1024;

/** S3 takes 10 000 parts at most. */
const MOST_PARTS = 9_000;

/** How long the server may take to remove the parts of an upload that is given up. */
const GIVING_UP_MS = 3_000;

/** Where a file goes, and what stands beside it. */
export interface Upload {
  Bucket: string;
  Key: string;
  Metadata: Record<string, string>;
}

/**
 * Uploads a file in parts, each sent with its MD5, so that what arrives is what was sent. A failure
 * gives up the parts already there, as far as the server can still be reached.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
export async function uploadParts(
  client: S3Client,
  upload: Upload,
  file: string,
  size: number,
): Promise<void> {
  const { Bucket, Key } = upload;
  const begun = await client.send(
    new CreateMultipartUploadCommand({ ...upload, ContentType: 'application/octet-stream' }),
  );
  const { UploadId } = begun;
  const handle = await open(file);
  try {
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    const length = Math.max(PART, Math.ceil(size / MOST_PARTS));
    for (let from = 0; from < size; from += length) {
      const Body = await slice(handle, from, Math.min(length, size - from));
      const PartNumber = Parts.length + 1;
      const ContentMD5 = createHash('md5').update(Body).digest('base64');
      const part = { Bucket, Key, UploadId, PartNumber, Body, ContentMD5 };
      const { ETag } = await client.send(new UploadPartCommand(part));
      Parts.push({ ETag, PartNumber });
    }
    await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    );
  } catch (error) {
    const late = deadline(GIVING_UP_MS);
    await underSignal(late.signal, () =>
      client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })),
    ).catch(() => undefined); // the first failure is the one to tell
    late.clear();
    throw error;
  } finally {
    await handle.close();
  }
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
