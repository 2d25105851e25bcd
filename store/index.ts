import { Artifacts } from './artifacts.ts';
import { Attempts } from './attempts.ts';
import { Bucket, type BucketOptions } from './bucket.ts';
import { Ledgers } from './ledger.ts';
import { Leases } from './leases.ts';
import { PartCache, type PartCacheOptions } from './part-cache.ts';
import { Records } from './records.ts';
import { StageCache } from './stage-cache.ts';

/** Everything kept in the bucket, by what it is. */
export interface Store {
  bucket: Bucket;
  artifacts: Artifacts;
  ledgers: Ledgers;
  cache: StageCache;
  attempts: Attempts;
  records: Records;
  leases: Leases;
}

/** @param parts where to keep parts that are read again and again; they are fetched each time if not given */
export function openStore(options: BucketOptions, parts?: PartCacheOptions): Store {
  const bucket = new Bucket(options);
  const artifacts = new Artifacts(bucket, parts && new PartCache(parts));
  return {
    bucket,
    artifacts,
    ledgers: new Ledgers(bucket),
    cache: new StageCache(bucket, artifacts),
    attempts: new Attempts(bucket),
    records: new Records(bucket),
    leases: new Leases(bucket),
  };
}
