import type { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { listNames, listObjects, type ListedObject } from './listing.ts';
import { abortUpload, sizeOfParts, uploadParts } from './multipart.ts';
import { isConflict, isMissing, isMissingBucket, storageError } from './errors.ts';
import { currentSignal } from './signal.ts';
import { Slots } from './slots.ts';
import { noteUpload } from './unfinished.ts';

/** Where the bucket is. Credentials come from the AWS chain (environment, profile) unless given. */
export interface BucketOptions {
  /** URL of an S3-compatible server; undefined means AWS itself. */
  endpoint?: string | undefined;
  region: string;
  bucket: string;
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** How long a connection may be silent before it is given up; 30 seconds unless given. */
  idleMs?: number | undefined;
}

export interface StoredObject {
  bytes: Uint8Array;
  etag: string;
}

/** An object on its way: its bytes come as they are read, so that its size is no matter. */
export interface OpenObject {
  /** Bytes, as the server announces them. */
  size: number;
  etag: string;
  chunks: AsyncIterable<Uint8Array>;
}

export interface ObjectHead {
  size: number;
  etag: string;
  /** The server's own SHA-256 of the object in hex, where it keeps one; ours for one stored in parts. */
  sha256: string | undefined;
  /** Whether it carries the mark of what this program wrote. */
  ours: boolean;
}

/** Requests at once: the SDK has two connections more, and what it lets wait for one fails after three seconds. */
const AT_ONCE = 48;

/** Metadata of the objects that this program wrote itself: others may keep theirs beside them. */
const MARK = { 'written-by': 'incremental-retraining' };

/** A condition on what stands at the key now: nothing at all, or exactly the object with this ETag. */
export type Condition = { absent: true } | { etag: string };

/**
 * The one place that speaks S3: a few verbs over keys, failures as StorageUnavailable or
 * StorageRefused, absence as `undefined`. What is asked under a signal (signal.ts) ends with it.
 */
export class Bucket {
  readonly options: BucketOptions;
  readonly #client: S3Client;

  constructor(options: BucketOptions) {
    this.options = options;
    // The SDK is pinned: its note about coming releases and Node 20 is for us, not for a person's terminal.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    this.#client = new S3Client({
      region: options.region,
      ...(options.endpoint === undefined
        ? {}
        : { endpoint: options.endpoint, forcePathStyle: true }),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      // Temporal retries what fails here, visibly; two tries hide only a dropped connection.
      maxAttempts: 2,
      // Readers check SHA-256 themselves, and a damaged object must reach them to be named.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestChecksumCalculation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: 3_000,
        requestTimeout: 60_000,
        // Also of an answer under way: a server that stops halfway would be waited for for ever.
        socketTimeout: options.idleMs ?? 30_000,
        throwOnRequestTimeout: true,
      },
    });
    const handler = this.#client.config.requestHandler;
    const handle = handler.handle.bind(handler);
    const slots = new Slots(AT_ONCE);
    handler.handle = async (request, handling) => {
      const abortSignal = currentSignal();
      const giveBack = await slots.take(abortSignal);
      try {
        const answer = await handle(request, { ...handling, abortSignal });
        // Its connection is held until its body has been read, or given up.
        (answer.response.body as Readable).once('close', giveBack);
        return answer;
      } catch (error) {
        giveBack();
        throw error;
      }
    };
  }

  /** Creates the bucket if there is none; says by StorageUnavailable or StorageRefused when it cannot. */
  async ensure(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.options.bucket }));
    } catch (error) {
      if (!isMissing(error)) throw this.#error(error, '');
      await this.#create();
    }
  }

  /** Whether there is such a bucket. */
  async exists(): Promise<boolean> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.options.bucket }));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw this.#error(error, '');
    }
  }

  async get(key: string): Promise<StoredObject | undefined> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.options.bucket, Key: key }),
      );
      const bytes = await answer.Body!.transformToByteArray();
      return { bytes, etag: answer.ETag ?? '' };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#error(error, key);
    }
  }

  /** Opens an object to be read in bounded memory; whoever opens it reads it to the end. */
  async open(key: string): Promise<OpenObject | undefined> {
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({ Bucket: this.options.bucket, Key: key }),
      );
      const body = answer.Body as AsyncIterable<Uint8Array>;
      return {
        size: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        chunks: this.#chunks(body, key),
      };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#error(error, key);
    }
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const answer = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.options.bucket, Key: key, ChecksumMode: 'ENABLED' }),
      );
      return {
        size: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        sha256: sha256Of(answer),
        ours: answer.Metadata?.['written-by'] === MARK['written-by'],
      };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#error(error, key);
    }
  }

  /** What stands under a prefix, in the server's order, page by page. */
  list(prefix: string): AsyncGenerator<ListedObject> {
    return listObjects(this.#client, this.#under(prefix));
  }

  /** What stands right under a prefix that ends in `/`: names of objects, and of folders with their `/`. */
  names(prefix: string): Promise<string[]> {
    return listNames(this.#client, this.#under(prefix));
  }

  /**
   * Stores bytes with their SHA-256 as S3's own checksum, so that what arrives is what was sent.
   * @returns the new ETag, or undefined when the condition did not hold and nothing was written.
   */
  async put(
    key: string,
    bytes: Uint8Array,
    options: {
      sha256: string;
      condition?: Condition;
      contentType?: string;
      /** Marks it as written by this program, and so as its own to remove. */
      mark?: boolean;
      again?: boolean;
    },
  ): Promise<string | undefined> {
    const { condition } = options;
    const command = new PutObjectCommand({
      Bucket: this.options.bucket,
      Key: key,
      Body: bytes,
      ContentType: options.contentType ?? 'application/octet-stream',
      ChecksumSHA256: Buffer.from(options.sha256, 'hex').toString('base64'),
      ...(options.mark === true ? { Metadata: MARK } : {}),
      ...(condition === undefined
        ? {}
        : 'etag' in condition
          ? { IfMatch: condition.etag }
          : { IfNoneMatch: '*' }),
    });
    try {
      return (await this.#client.send(command)).ETag ?? '';
    } catch (error) {
      // If-Match on a key that has gone is a 404 on some servers: the condition did not hold either way.
      if (isConflict(error)) return undefined;
      if (isMissingBucket(error) && options.again !== true) {
        await this.#create();
        return this.put(key, bytes, { ...options, again: true });
      }
      if (isMissing(error) && condition !== undefined) return undefined;
      throw this.#error(error, key);
    }
  }

  /**
   * Stores a file in parts, in memory that does not grow with it. A checksum of parts is not the file's:
   * its SHA-256 stands beside it as metadata.
   */
  async putParts(
    key: string,
    file: string,
    known: { sha256: string; size: number; mark: boolean },
  ): Promise<void> {
    const upload = {
      Bucket: this.options.bucket,
      Key: key,
      Metadata: { sha256: known.sha256, ...(known.mark ? MARK : {}) },
    };
    try {
      await uploadParts(this.#client, upload, file, known.size, noteUpload(this, key));
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  /** Bytes that an upload in parts has left so far; undefined when there is no such upload. */
  async sizeOfUpload(key: string, uploadId: string): Promise<number | undefined> {
    try {
      return await sizeOfParts(this.#client, this.#upload(key, uploadId));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#error(error, key);
    }
  }

  /** Gives up an upload in parts and what it has left; one that is not there is fine. */
  async abortUpload(key: string, uploadId: string): Promise<void> {
    try {
      await abortUpload(this.#client, this.#upload(key, uploadId));
    } catch (error) {
      if (!isMissing(error)) throw this.#error(error, key);
    }
  }

  #under(prefix: string) {
    const failure = (error: unknown): unknown => this.#error(error, prefix);
    return { bucket: this.options.bucket, prefix, failure };
  }

  #upload(Key: string, UploadId: string) {
    return { Bucket: this.options.bucket, Key, UploadId };
  }

  /** Deletes the object at `key`; one that is not there is fine. */
  async delete(key: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.options.bucket, Key: key }));
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #create(): Promise<void> {
    try {
      await this.#client.send(new CreateBucketCommand({ Bucket: this.options.bucket }));
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists')
        throw this.#error(error, '');
    }
  }

  /** A connection that breaks halfway fails as one that was never made. */
  async *#chunks(body: AsyncIterable<Uint8Array>, key: string): AsyncIterable<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  /** What a request threw; one that was given up on purpose threw why it was. */
  #error(error: unknown, key: string): unknown {
    const signal = currentSignal();
    if (signal?.aborted === true) return signal.reason;
    return storageError(error, { ...this.options, key });
  }
}

function sha256Of(head: HeadObjectCommandOutput): string | undefined {
  const { ChecksumSHA256: checksum, Metadata } = head;
  const ofParts = checksum?.includes('-') === true || head.ChecksumType === 'COMPOSITE';
  if (checksum === undefined || ofParts) return Metadata?.['sha256'];
  return Buffer.from(checksum, 'base64').toString('hex');
}
