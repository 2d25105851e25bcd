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
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import {
  MOST_BYTES,
  makeTooLargeError,
  type Bucket,
  type BucketLocation,
  type BucketOptions,
  type ListedObject,
  type ObjectHead,
  type OpenObject,
  type PartsOptions,
  type PutOptions,
  type StoredObject,
} from '../bucket.ts';
import { currentSignal } from '../signal.ts';
import { isConflict, isMissingObject, isMissingBucket, storageError } from './errors.ts';
import { abortUpload, sizeOfParts, uploadParts } from './multipart.ts';
import { Slots } from '../parallel.ts';

/** Requests at once. The SDK has two connections more: a request that waits for a connection fails after 3 s. */
const AT_ONCE = 48;

/** Metadata of objects that this program has written: others may keep objects in the same bucket. */
const MARK = { 'written-by': 'incremental-retraining' };

/** A bucket on AWS S3 or on a server that is compatible with it. */
export class S3Bucket implements Bucket {
  readonly location: BucketLocation;
  readonly #client: S3Client;

  constructor(options: BucketOptions) {
    const { endpoint, region, bucket } = options;
    this.location = { endpoint, region, bucket };
    // The SDK's version is pinned, so its warning about Node 20 is of no use to a user.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    this.#client = new S3Client({
      region: options.region,
      ...(options.endpoint === undefined
        ? {}
        : { endpoint: options.endpoint, forcePathStyle: true }),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      // Temporal retries failures where they can be seen. Two tries hide only a dropped connection.
      maxAttempts: 2,
      // Readers check SHA-256 themselves, and must receive a damaged object to name it.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestChecksumCalculation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: 3_000,
        requestTimeout: 60_000,
        // This limit also holds during an answer, so that a server that stops halfway is not waited for forever.
        socketTimeout: options.idleMs ?? 30_000,
        throwOnRequestTimeout: true,
      },
    });
    const handler = this.#client.config.requestHandler;
    const handle = handler.handle.bind(handler);
    const slots = new Slots(AT_ONCE);
    handler.handle = async (request, handling) => {
      const abortSignal = currentSignal();
      const release = await slots.take(abortSignal);
      try {
        const answer = await handle(request, { ...handling, abortSignal });
        // The connection is in use until the body has been read or abandoned.
        (answer.response.body as Readable).once('close', release);
        return answer;
      } catch (error) {
        release();
        throw error;
      }
    };
  }

  async ensure(): Promise<void> {
    if (!(await this.exists())) await this.#create();
  }

  async exists(): Promise<boolean> {
    const command = new HeadBucketCommand({ Bucket: this.location.bucket });
    return (await this.#find('', () => this.#client.send(command))) !== undefined;
  }

  async get(key: string, most = MOST_BYTES): Promise<StoredObject | undefined> {
    let size = 0;
    const stored = await this.#find(key, async () => {
      const answer = await this.#client.send(new GetObjectCommand(this.#at(key)));
      size = answer.ContentLength ?? 0;
      if (size <= most)
        return { bytes: await answer.Body!.transformToByteArray(), etag: answer.ETag ?? '' };
      (answer.Body as Readable).destroy();
      return undefined;
    });
    if (size > most) throw makeTooLargeError(key, size, most);
    return stored;
  }

  async open(key: string): Promise<OpenObject | undefined> {
    return this.#find(key, async () => {
      const answer = await this.#client.send(new GetObjectCommand(this.#at(key)));
      const body = answer.Body as AsyncIterable<Uint8Array>;
      return {
        size: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        chunks: this.#chunks(body, key),
      };
    });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#find(key, async () => {
      const command = new HeadObjectCommand({ ...this.#at(key), ChecksumMode: 'ENABLED' });
      const answer = await this.#client.send(command);
      return {
        size: answer.ContentLength ?? 0,
        etag: answer.ETag ?? '',
        sha256: sha256Of(answer),
        ours: answer.Metadata?.['written-by'] === MARK['written-by'],
      };
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    for await (const page of this.#pages(prefix))
      for (const { Key: key, Size: size, LastModified: modified } of page.Contents ?? [])
        if (key !== undefined && !key.endsWith('/'))
          yield { key, size: size ?? 0, modified: modified ?? new Date(0) };
  }

  async names(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for await (const page of this.#pages(prefix, '/')) {
      const keys = [
        ...(page.Contents ?? []).map(({ Key: key }) => key),
        ...(page.CommonPrefixes ?? []).map(({ Prefix: folder }) => folder),
      ];
      for (const key of keys) if (key !== undefined) names.push(key.slice(prefix.length));
    }
    return names;
  }

  async *#pages(prefix: string, delimiter?: string) {
    const listed = { Bucket: this.location.bucket, Prefix: prefix, Delimiter: delimiter };
    try {
      yield* paginateListObjectsV2({ client: this.#client }, listed);
    } catch (error) {
      // A bucket that does not exist yet is empty.
      if (!isMissingObject(error)) throw this.#error(error, prefix);
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<string | undefined> {
    try {
      return await this.#putOnce(key, bytes, options);
    } catch (error) {
      if (!isMissingBucket(error)) throw this.#error(error, key);
    }
    await this.#create();
    try {
      return await this.#putOnce(key, bytes, options);
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  async #putOnce(key: string, bytes: Uint8Array, options: PutOptions): Promise<string | undefined> {
    const { condition } = options;
    const command = new PutObjectCommand({
      ...this.#at(key),
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
      // Some servers answer 404 to If-Match on a key that is gone.
      const isGone = isMissingObject(error) && !isMissingBucket(error) && condition !== undefined;
      if (isConflict(error) || isGone) return undefined;
      throw error;
    }
  }

  async putParts(key: string, file: string, options: PartsOptions): Promise<void> {
    const { sha256, size, mark, watch } = options;
    const upload = { ...this.#at(key), Metadata: { sha256, ...(mark ? MARK : {}) } };
    try {
      await uploadParts(this.#client, upload, file, size, watch);
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  async sizeOfUpload(key: string, uploadId: string): Promise<number | undefined> {
    const upload = { ...this.#at(key), UploadId: uploadId };
    return this.#find(key, () => sizeOfParts(this.#client, upload));
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    const upload = { ...this.#at(key), UploadId: uploadId };
    await this.#find(key, () => abortUpload(this.#client, upload));
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand(this.#at(key)));
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #create(): Promise<void> {
    try {
      await this.#client.send(new CreateBucketCommand({ Bucket: this.location.bucket }));
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      if (name !== 'BucketAlreadyOwnedByYou' && name !== 'BucketAlreadyExists')
        throw this.#error(error, '');
    }
  }

  #at(key: string) {
    return { Bucket: this.location.bucket, Key: key };
  }

  /** Sends a request. Returns undefined when the server answers that what it asks for does not exist. */
  async #find<T>(key: string, send: () => Promise<T>): Promise<T | undefined> {
    try {
      return await send();
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw this.#error(error, key);
    }
  }

  /** A connection that breaks halfway fails with the same error as one that could not be opened. */
  async *#chunks(body: AsyncIterable<Uint8Array>, key: string): AsyncIterable<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw this.#error(error, key);
    }
  }

  /** The error of a failed request, or the reason of the signal that stopped it. */
  #error(error: unknown, key: string): unknown {
    const signal = currentSignal();
    if (signal?.aborted === true) return signal.reason;
    return storageError(error, { ...this.location, key });
  }
}

function sha256Of(head: HeadObjectCommandOutput): string | undefined {
  const { ChecksumSHA256: checksum, Metadata } = head;
  const ofParts = checksum?.includes('-') === true || head.ChecksumType === 'COMPOSITE';
  if (checksum === undefined || ofParts) return Metadata?.['sha256'];
  return Buffer.from(checksum, 'base64').toString('hex');
}
