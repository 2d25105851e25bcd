import { Artifacts } from './artifacts.ts';
import { Attempts } from './attempts.ts';
import { Bucket, type BucketOptions } from './s3/bucket.ts';
import { Ledgers } from './ledger/ledger.ts';
import { Leases } from './leases.ts';
import type { LocalCache } from './local-cache.ts';
import { PartCache } from './part-cache.ts';
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

/** @param kept where to keep parts that are read again and again; they are fetched each time if not given */
export function openStore(options: BucketOptions, kept?: LocalCache): Store {
  const bucket = new Bucket(options);
  const artifacts = new Artifacts(bucket, kept && new PartCache(kept));
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
