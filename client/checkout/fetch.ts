import type { Bucket } from '../../store/bucket.ts';
import type { LocalCache } from '../../store/local-cache.ts';
import { inParallel } from '../../store/parallel.ts';
import type { Ref } from '../../contract/ref.ts';
import { openMeter } from '../meter.ts';

const AT_ONCE = 8;

/**
 * Sees that these files' bytes are in the local cache, fetching those that are not: all of them before
 * the working tree is touched, so that a damaged object leaves it as it is.
 * @returns where each stands, and how many bytes came from the store
 */
export async function fetchMissing(
  bucket: Bucket,
  cache: LocalCache,
  refs: readonly Ref[],
  signal: AbortSignal,
): Promise<{ cached: (ref: Ref) => string; fetchedBytes: number }> {
  const places = new Map<string, string>();
  const wanted = new Map(refs.map((ref) => [ref.md5, ref]));
  let fetchedBytes = 0;
  const meter = openMeter('fetching');
  meter.expect([...wanted.values()].reduce((sum, { size }) => sum + size, 0));
  const bring = async (ref: Ref): Promise<void> => {
    const place = await cache.find(ref);
    places.set(ref.md5, place ?? (await cache.fetch(bucket, ref)));
    if (place === undefined) fetchedBytes += ref.size;
    meter.add(ref.size);
  };
  try {
    await inParallel(wanted.values(), AT_ONCE, bring, signal);
  } finally {
    meter.stop();
  }
  return { cached: ({ md5 }) => places.get(md5)!, fetchedBytes };
}
