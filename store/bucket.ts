import { DamagedArtifact } from '../contract/failures.ts';

/**
 * A bucket: objects under keys, as S3 keeps them. Everything that is stored goes through this interface, so
 * another kind of storage is one folder that implements it (s3/ does).
 *
 * A method fails with StorageUnavailable (a retry can help) or StorageRefused (it cannot); an object that
 * does not exist is `undefined`. A read that begins after a write has ended sees that write. Requests made
 * under a signal (signal.ts) end when it is aborted, and then throw its reason.
 */
export interface Bucket {
  readonly location: BucketLocation;

  /** Creates the bucket if it does not exist. */
  ensure(): Promise<void>;
  exists(): Promise<boolean>;

  /**
   * The whole object, in memory.
   * @param most the most bytes that are read; 1 GiB by default
   * @throws DamagedArtifact when the object is larger, before its bytes are read
   */
  get(key: string, most?: number): Promise<StoredObject | undefined>;
  /** Opens an object, to read it in bounded memory. The caller reads it to the end. */
  open(key: string): Promise<OpenObject | undefined>;
  head(key: string): Promise<ObjectHead | undefined>;
  /** All objects whose keys start with `prefix`, page by page, in the server's order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** The names right under a prefix that ends in `/`: of objects, and of folders with their `/`. */
  names(prefix: string): Promise<string[]>;

  /**
   * Stores bytes. Bytes that do not match the SHA-256 they are sent with are refused, and nothing is stored.
   * @returns the new ETag, or undefined when the condition does not hold: then nothing is written
   */
  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<string | undefined>;
  /** Stores a file of this machine in parts, in memory that does not grow with its size. */
  putParts(key: string, file: string, options: PartsOptions): Promise<void>;
  /** The bytes that an unfinished upload has stored so far; undefined when there is no such upload. */
  sizeOfUpload(key: string, uploadId: string): Promise<number | undefined>;
  /** Removes an unfinished upload and its parts. No error if there is none. */
  abortUpload(key: string, uploadId: string): Promise<void>;

  /** Deletes the object. No error if there is none. */
  delete(key: string): Promise<void>;
  /** Closes the connections. */
  close(): void;
}

/** The most bytes of an object that are read into memory at once. */
export const MOST_BYTES = 2 ** 30;

/** Returns the error for an object that is too large for its key. */
export function makeTooLargeError(key: string, size: number, most: number): DamagedArtifact {
  return new DamagedArtifact(
    `the object ${key} has ${size} bytes, and at most ${most} can belong there: it has been changed by hand or damaged: restore it from a backup`,
    { details: { key } },
  );
}

/** Where a bucket is. */
export interface BucketLocation {
  /** URL of an S3-compatible server; undefined means AWS itself. */
  endpoint?: string | undefined;
  region: string;
  bucket: string;
}

/** How to reach a bucket. Credentials come from the AWS chain (environment, profile) unless given. */
export interface BucketOptions extends BucketLocation {
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  /** Milliseconds of silence after which a connection is given up; 30 000 by default. */
  idleMs?: number | undefined;
}

export interface StoredObject {
  bytes: Uint8Array;
  etag: string;
}

/** An object that is being read. */
export interface OpenObject {
  /** Bytes, as the server announces them. */
  size: number;
  etag: string;
  chunks: AsyncIterable<Uint8Array>;
}

export interface ObjectHead {
  size: number;
  etag: string;
  /**
   * SHA-256 in hex: the server's own checksum, or for an object stored in parts the one in its metadata.
   * Undefined where the server has neither.
   */
  sha256: string | undefined;
  /** Whether it carries the mark of this program. */
  ours: boolean;
}

/** An object as a listing shows it. */
export interface ListedObject {
  key: string;
  size: number;
  /** The last write, by the server's clock. */
  modified: Date;
}

/** What must be at the key for a write to happen: no object, or the object with this ETag. */
export type Condition = { absent: true } | { etag: string };

export interface PutOptions {
  /** 64 hex digits. */
  sha256: string;
  condition?: Condition;
  /** `application/octet-stream` by default. */
  contentType?: string;
  /** Marks the object as written by this program, so that gc may remove it. */
  mark?: boolean;
}

export interface PartsOptions {
  /** Of the whole file. It is kept as metadata, because S3 only has checksums of the parts. */
  sha256: string;
  size: number;
  mark: boolean;
  watch: UploadWatch;
}

/** Follows an upload, so that what a dead process leaves of it can be found. */
export interface UploadWatch {
  /** Called when the upload exists and has no part yet. */
  begun: (uploadId: string) => Promise<void>;
  /** Called after each part that is stored. */
  going: () => Promise<void>;
  /** Called when the upload is complete or aborted. */
  ended: () => Promise<void>;
}
