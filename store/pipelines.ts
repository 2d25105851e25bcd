import type { Bucket } from './bucket.ts';

/** The pipelines that have anything in the bucket, a ledger or versions, by name; however many versions there are. */
export async function pipelinesIn(bucket: Bucket): Promise<string[]> {
  const found = await Promise.all([bucket.names('ledgers/'), bucket.names('versions/')]);
  const names = found.flat().flatMap((name) => {
    const [, pipeline] = /^([A-Za-z0-9_-]+)(?:\.json|\/)$/.exec(name) ?? [];
    return pipeline === undefined ? [] : [pipeline];
  });
  return [...new Set(names)].toSorted();
}
