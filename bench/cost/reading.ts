import { randomBytes } from 'node:crypto';
import { formatTable } from '../../client/format.ts';
import { Inventory, readObjects } from '../../client/commands/verify/files.ts';
import { Problems } from '../../client/commands/verify/problems.ts';
import type { Store } from '../../store/index.ts';
import { objectKey } from '../../store/hash.ts';
import { inParallel } from '../../store/parallel.ts';

const MB = 1e6;

/** Objects of one size: a few hundred megabytes in total, at most a thousand objects. */
const SIZES = [
  { size: 16 * MB, count: 20 },
  { size: MB, count: 200 },
  { size: 0.08 * MB, count: 1_000 },
];

/** How fast verify reads and hashes objects of one size. */
export interface Reading {
  size: number;
  count: number;
  ms: number;
  megabytesPerSecond: number;
}

/** Stores objects and reads them in the way of verify. */
export async function readBack(store: Store): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const { size, count } of SIZES) {
    const [inventory, problems] = [new Inventory(), new Problems()];
    await inParallel(Array.from({ length: count }).keys(), 4, async (i) => {
      inventory.add(await store.artifacts.put(`read/${size}/${i}`, randomBytes(size)));
    });
    const meter = { expect: () => undefined, add: () => undefined, stop: () => undefined };
    const begun = performance.now();
    await readObjects(store.bucket, inventory, problems, meter);
    const ms = performance.now() - begun;
    if (problems.list().length > 0) throw new Error('what was stored is not whole');
    readings.push({ size, count, ms, megabytesPerSecond: inventory.bytes / MB / (ms / 1_000) });
    for (const { ref } of inventory.all()) await store.bucket.delete(objectKey(ref.md5));
  }
  return readings;
}

export function readingTable(readings: readonly Reading[]): string {
  const rows = readings.map(({ size, count, ms, megabytesPerSecond }) => [
    size / MB,
    count,
    ((size * count) / MB).toFixed(0),
    ms.toFixed(0),
    megabytesPerSecond.toFixed(0),
  ]);
  return formatTable(['verify: MB each', 'objects', 'MB', 'ms', 'MB/s'], rows);
}
