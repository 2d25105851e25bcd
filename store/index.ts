import { Artifacts } from './artifacts.ts';
import { Attempts } from './attempts.ts';
import type { Bucket, BucketOptions } from './bucket.ts';
import { Champions } from './champions.ts';
import { Ledgers } from './ledger/ledger.ts';
import { Leases } from './leases.ts';
import type { LocalCache } from './local-cache.ts';
import { PartCache } from './part-cache.ts';
import { Records } from './records.ts';
import { S3Bucket } from './s3/s3-bucket.ts';
import { StageCache } from './stage-cache.ts';

/** The contents of a bucket, by kind. */
export interface Store {
  bucket: Bucket;
  artifacts: Artifacts;
  ledgers: Ledgers;
  cache: StageCache;
  attempts: Attempts;
  records: Records;
  leases: Leases;
  champions: Champions;
}

/** Opens the bucket at a location: the one place where the kind of storage is chosen. */
export function openBucket(options: BucketOptions): Bucket {
  return new S3Bucket(options);
}

/** What a store is opened with, besides its bucket. */
interface StoreOptions {
  /** Keeps the parts that every version reads again; without it they are fetched each time. */
  kept?: LocalCache | undefined;
  /** The one pipeline that is read; errors name it in the commands that help. */
  pipeline?: string | undefined;
}

export function openStore(options: BucketOptions, more?: StoreOptions): Store {
  return storeIn(openBucket(options), more);
}

/** The store in a bucket. */
export function storeIn(bucket: Bucket, { kept, pipeline }: StoreOptions = {}): Store {
  const artifacts = new Artifacts(bucket, kept && new PartCache(kept), { pipeline });
  return {
    bucket,
    artifacts,
    ledgers: new Ledgers(bucket),
    cache: new StageCache(bucket, artifacts),
    attempts: new Attempts(bucket),
    records: new Records(bucket),
    leases: new Leases(bucket),
    champions: new Champions(bucket),
  };
}

/** Returns the names of the pipelines that have a ledger or versions in the bucket. Does not list each version. */
export async function pipelinesIn(bucket: Bucket): Promise<string[]> {
  const found = await Promise.all([bucket.names('ledgers/'), bucket.names('versions/')]);
  const names = found.flat().flatMap((name) => {
    const [, pipeline] = /^([A-Za-z0-9_-]+)(?:\.json|\/)$/.exec(name) ?? [];
    return pipeline === undefined ? [] : [pipeline];
  });
  return [...new Set(names)].toSorted();
}
