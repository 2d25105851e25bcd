import type { Compute } from '../compute/pool.ts';
import type { BucketOptions } from '../store/bucket.ts';
import type { Store } from '../store/index.ts';
import type { LocalCache } from '../store/local-cache.ts';
import { readEnvBytes, readEnvNumber } from '../contract/env.ts';
import { BadParams, SourceRefused } from '../contract/failures.ts';

/** The validators of one state of a source. With them a later request asks whether the source has changed. */
export interface Stamp {
  etag: string | null;
  /** As the server wrote it. */
  modified: string | null;
}

/** An open source. Its bytes may be compressed and have any encoding. */
export interface OpenSource {
  chunks: AsyncIterable<Uint8Array>;
  stamp: Stamp;
  /** Closes the file or the connection, whether or not it was read to its end. */
  close: () => void;
}

/** The limits of size and time for reading a source. */
export interface SourceLimits {
  /** Bytes, both before and after decompression. */
  bytes: number;
  /** Until the connection is open. */
  connectMs: number;
  /** Until the next byte arrives. */
  idleMs: number;
  /** From the first request to the last byte. */
  totalMs: number;
  /** Whether a confined reader may read from this machine and from private networks over HTTP. */
  privateAddresses: boolean;
}

/** Where this process reads sources from, and the limits. */
export interface SourcePlace {
  /** The folder that relative paths start from. */
  root: string;
  /**
   * Whether only visible files inside `root` may be read. Anyone who reaches Temporal can choose a worker's
   * source; a client's source is chosen by the owner of the files.
   */
  confined: boolean;
  /** The folder for the temporary copy of a source's text. */
  scratch: string;
  /** The S3 server of `s3://` sources and DVC remotes; the bucket named here is not used. */
  s3: BucketOptions;
  limits: SourceLimits;
}

/** The parts of a worker that sources need. */
export interface SourceDeps {
  store: Pick<Store, 'bucket' | 'artifacts' | 'ledgers'>;
  local: LocalCache;
  compute: Compute;
  root: string;
  scratch: string;
  sources: Pick<SourcePlace, 's3' | 'limits'>;
}

/** Options for opening a source. */
export interface OpenOptions extends SourcePlace {
  /** The known state of the source. */
  known?: Stamp | undefined;
  /** The environment variable with the URL of the source and its secret query. */
  secretEnv?: string | null;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a source of one kind.
 * @returns undefined when the source is still in the known state
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export type OpenKind = (source: string, options: OpenOptions) => Promise<OpenSource | undefined>;

const GIB = 1024 ** 3;

/**
 * Reads the limits from the environment: RETRAIN_SOURCE_MAX_BYTES, RETRAIN_SOURCE_TIMEOUT_SECONDS and
 * RETRAIN_SOURCE_PRIVATE_ADDRESSES, which a local stack sets to `allow`.
 * @throws BadParams when one of them has an invalid value
 */
export function limitsFromEnv(env: NodeJS.ProcessEnv = process.env): SourceLimits {
  const seconds = { otherwise: 1_800, least: 1, most: 604_800, what: 'a number of seconds' };
  return {
    bytes: readEnvBytes(env, 'RETRAIN_SOURCE_MAX_BYTES', 16 * GIB),
    connectMs: 10_000,
    idleMs: 60_000,
    totalMs: readEnvNumber(env, 'RETRAIN_SOURCE_TIMEOUT_SECONDS', seconds) * 1_000,
    privateAddresses: parseAllowed(env[PRIVATE_ADDRESSES] ?? ''),
  };
}

const PRIVATE_ADDRESSES = 'RETRAIN_SOURCE_PRIVATE_ADDRESSES';

function parseAllowed(text: string): boolean {
  if (!['', 'allow', 'refuse'].includes(text))
    throw new BadParams(`${PRIVATE_ADDRESSES} is ${text}: set it to allow or refuse`);
  return text === 'allow';
}

/** The error for a source that is larger than the limit. */
export function tooLarge(name: string, bytes: number): SourceRefused {
  return new SourceRefused(
    `${name} is larger than the limit of ${bytes} bytes: raise RETRAIN_SOURCE_MAX_BYTES on the machine that reads it, or give a smaller file`,
  );
}
