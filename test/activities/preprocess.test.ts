import { afterEach, expect, it } from 'vitest';
import { findStage } from '../../contract/stages.ts';
import { objectKey } from '../../store/hash.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

const opened: WholeRuns[] = [];
afterEach(() => {
  for (const runs of opened.splice(0)) runs.close();
});

function open(): WholeRuns {
  const runs = openWholeRuns();
  opened.push(runs);
  return runs;
}

/** The outputs of preprocess in the record of version 2, and the parts in its directories. */
async function readSecond({ store }: WholeRuns) {
  const { outputs, facts } = findStage(
    (await store.records.latest('iris', 2)).stages,
    'preprocess',
  )!;
  const [train, test] = await Promise.all(
    [outputs.train!, outputs.test!].map((directory) => store.artifacts.list(directory)),
  );
  return { outputs, facts, train: train!, test: test! };
}

it('a version that continues the one before has the bytes of one that begins from nothing', async () => {
  const [continued, begun] = [open(), open()];
  await continued.run(1);
  await continued.run(2);
  await begun.run(2);
  const second = await readSecond(continued);
  expect(second).toEqual(await readSecond(begun));
  expect(second.train.map(({ path }) => path)).toEqual(['part_000001.arrow', 'part_000002.arrow']);
  expect(Number(second.facts.train_rows) + Number(second.facts.test_rows)).toBe(100);
});

it('a damaged part of an earlier batch is made again, though a HEAD shows no difference', async () => {
  const runs = open();
  for (const batch of [1, 2]) await runs.run(batch);
  const before = await readSecond(runs);
  const [part] = before.train;
  const { objects } = (runs.store.bucket as MemoryBucket).server;
  const kept = objects!.get(objectKey(part!.md5))!;
  kept.bytes = Buffer.from(kept.bytes.map((byte) => byte ^ 1));
  await expect(runs.store.artifacts.get(part!)).rejects.toMatchObject({ name: 'DamagedArtifact' });
  await runs.run(2, { damaged: [part!.md5], repair: { champion: null } });
  expect(await runs.store.artifacts.get(part!)).toHaveLength(part!.size);
  expect(await readSecond(runs)).toEqual(before);
});
