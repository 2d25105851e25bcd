import { afterEach, expect, it, vi } from 'vitest';
import { findStage } from '../../contract/stages.ts';
import { objectKey } from '../../store/hash.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

let runs: WholeRuns;
afterEach(() => {
  vi.restoreAllMocks();
  runs.close();
});

it('a run keeps its lease until its build is published, so that gc removes nothing of it', async () => {
  runs = openWholeRuns();
  const { leases, records } = runs.store;
  const release = leases.release.bind(leases);
  const published: unknown[] = [];
  vi.spyOn(leases, 'release').mockImplementation(async (run) => {
    published.push((await records.readLatest('iris', 1))?.seq);
    await release(run);
  });
  await runs.run(1);
  expect(published).toEqual([1]);
  expect((await leases.list()).size).toBe(0);
});

it('a repair that makes the same objects again records no other build, and another run does', async () => {
  runs = openWholeRuns();
  await runs.run(1);
  const { champions, records, bucket } = runs.store;
  const first = await records.latest('iris', 1);
  const { champion = null } = (await champions.read('iris')) ?? {};
  const { model } = findStage(first.stages, 'train')!.outputs;
  await bucket.delete(objectKey(model!.md5));
  expect(await runs.run(1, { repair: { champion } })).toMatchObject({ seq: 1 });
  expect(await records.latest('iris', 1)).toEqual(first);
  expect(await bucket.head(objectKey(model!.md5))).toBeDefined();
  // A run that is no repair says in its record what it has healed.
  await bucket.delete(objectKey(model!.md5));
  expect(await runs.run(1)).toMatchObject({ seq: 2 });
  expect((await records.latest('iris', 1)).healed).toMatchObject([{ md5: model!.md5 }]);
});
