import { Artifacts } from './artifacts.ts';
import { Attempts } from './attempts.ts';
import { Bucket, type BucketOptions } from './bucket.ts';
import { Ledgers } from './ledger.ts';
import { Leases } from './leases.ts';
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

export function openStore(options: BucketOptions): Store {
  const bucket = new Bucket(options);
  const artifacts = new Artifacts(bucket);
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
