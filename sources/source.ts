import type { Compute } from '../compute/pool.ts';
import type { BucketOptions } from '../store/bucket.ts';
import type { Store } from '../store/index.ts';
import type { LocalCache } from '../store/local-cache.ts';
import { SourceRefused } from '../contract/failures.ts';

/** What a web server or a store calls one state of a source, to be asked later whether it has changed. */
export interface Stamp {
  etag: string | null;
  /** As the server wrote it. */
  modified: string | null;
}

/** A source's bytes on their way, as they lie there: perhaps compressed, in any encoding. */
export interface OpenSource {
  chunks: AsyncIterable<Uint8Array>;
  stamp: Stamp;
  /** Lets go of the file or the connection, whether or not it was read to its end. */
  close: () => void;
}

/** How much is read, and how long it is waited for. */
export interface SourceLimits {
  /** Bytes, before and after decompression alike. */
  bytes: number;
  /** Until a connection stands. */
  connectMs: number;
  /** Until the next byte comes. */
  idleMs: number;
  /** From the first request to the last byte. */
  totalMs: number;
}

/** Where this process reads sources from, and within which bounds. */
export interface SourcePlace {
  /** The folder that relative paths start from. */
  root: string;
  /**
   * Whether only visible files inside `root` may be read: a worker is told its source by anyone who
   * reaches Temporal, a client by the person whose files they are.
   */
  confined: boolean;
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
  sources: Pick<SourcePlace, 's3' | 'limits'>;
}

/** What a source is opened with. */
export interface OpenOptions extends SourcePlace {
  /** The state that is known already. */
  known?: Stamp | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a source of one kind.
 * @returns undefined when it is still in the state that is known
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export type OpenKind = (source: string, options: OpenOptions) => Promise<OpenSource | undefined>;

const GIB = 1024 ** 3;

/** Bounds from the environment: RETRAIN_SOURCE_MAX_BYTES and RETRAIN_SOURCE_TIMEOUT_SECONDS. */
export function limitsFromEnv(env: NodeJS.ProcessEnv = process.env): SourceLimits {
  const number = (name: string, otherwise: number): number => {
    const value = Number(env[name]);
    return Number.isFinite(value) && value > 0 ? value : otherwise;
  };
  return {
    bytes: number('RETRAIN_SOURCE_MAX_BYTES', 16 * GIB),
    connectMs: 10_000,
    idleMs: 60_000,
    totalMs: number('RETRAIN_SOURCE_TIMEOUT_SECONDS', 1_800) * 1_000,
  };
}

/** What a source larger than the bound is refused with. */
export function tooLarge(name: string, bytes: number): SourceRefused {
  return new SourceRefused(
    `${name} is larger than ${bytes} bytes, the most that is read: raise RETRAIN_SOURCE_MAX_BYTES where it is read, or give a smaller file`,
  );
}
