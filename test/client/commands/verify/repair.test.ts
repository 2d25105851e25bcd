import { afterEach, describe, expect, it, vi } from 'vitest';
import { repairVersions, type Repaired } from '../../../../client/commands/verify/repair.ts';
import { verifyVersions } from '../../../../client/commands/verify/versions.ts';
import type { Session } from '../../../../client/session.ts';
import { findStage } from '../../../../contract/stages.ts';
import type { TrainBatchInput } from '../../../../contract/train-batch.ts';
import { loadConfig } from '../../../../config/environment.ts';
import { objectKey, sha256 } from '../../../../store/hash.ts';
import type { VersionRecord } from '../../../../store/version-record.ts';
import { makeChampion } from '../../../support/promotions.ts';
import { openWholeRuns, type WholeRuns } from '../../../support/whole-runs.ts';
import { refuse } from '../../../store/made-records.ts';

/** Repairs by the real activities on a bucket in memory. Temporal is left out: a start runs the stages at once. */

let runs: WholeRuns;
afterEach(() => {
  vi.restoreAllMocks();
  runs.close();
});

/** Opens a store with two versions. The champion is version 1 when version 2 is built, and another one later. */
async function openVersions(): Promise<{ before: VersionRecord }> {
  runs = openWholeRuns();
  await runs.run(1);
  await makeChampion(runs.store, 'iris', { version: 1, seq: 1 });
  await runs.run(2);
  await makeChampion(runs.store, 'iris', { version: 2, seq: 1 });
  return { before: await runs.store.records.latest('iris', 2) };
}

async function repair(version: number): Promise<{ done: Repaired; started: TrainBatchInput[] }> {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const started: TrainBatchInput[] = [];
  const workflow = {
    start: async (_: string, { args }: { args: [TrainBatchInput] }) => {
      const [{ batch, ...asked }] = args;
      started.push(args[0]);
      await runs.run(batch, asked);
      return { firstExecutionRunId: `run of ${batch}` };
    },
    getHandle: () => ({ result: async () => undefined }),
  };
  const session = {
    config: loadConfig(process.cwd(), {}),
    store: runs.store,
    tracker: { uri: 'http://mlflow', place: () => 'http://mlflow' },
    client: { workflow, workflowService: { describeTaskQueue: async () => ({ pollers: [{}] }) } },
  } as unknown as Session;
  const asked = { pipeline: 'iris', version };
  const found = await verifyVersions(runs.store, asked);
  return { done: await repairVersions(session, asked, found), started };
}

const refOfOutput = (record: VersionRecord, stage: 'train' | 'gate', name: string) =>
  (findStage(record.stages, stage)!.outputs as VersionRecord['stages'][number]['outputs'])[name]!;

describe('a repair of a version', () => {
  it.each<['train' | 'gate', string]>([
    ['train', 'model'],
    ['gate', 'decision'],
  ])('makes what %s has lost again, and no build', async (stage, name) => {
    const { before } = await openVersions();
    const champion = await runs.store.champions.read('iris');
    const ref = refOfOutput(before, stage, name);
    const bytes = await runs.store.artifacts.get(ref);
    await runs.store.bucket.delete(objectKey(ref.md5));
    const { done, started } = await repair(2);
    expect(done).toMatchObject({ repaired: [{ key: objectKey(ref.md5) }], changed: [], left: [] });
    expect(done.verified.problems).toEqual([]);
    expect([...done.notRepaired]).toEqual([]);
    expect(started).toMatchObject([{ batch: 2, repair: { champion: { version: 1, seq: 1 } } }]);
    expect(await runs.store.artifacts.get(ref)).toEqual(bytes);
    expect(await runs.store.records.latest('iris', 2)).toEqual(before);
    expect(
      await runs.store.records.listBuilds({ pipeline: 'iris', version: 2 }, refuse),
    ).toHaveLength(1);
    expect(await runs.store.champions.read('iris')).toEqual(champion);
  });

  it('makes damaged objects again under the run of MLflow that it has', async () => {
    const { before } = await openVersions();
    const { model } = findStage(before.stages, 'train')!.outputs;
    const key = objectKey(model!.md5);
    const wrong = Buffer.alloc(model!.size);
    await runs.store.bucket.put(key, wrong, { sha256: sha256(wrong) });
    const { done } = await repair(2);
    expect(done.verified.problems).toEqual([]);
    expect(await runs.store.records.latest('iris', 2)).toEqual(before);
    expect(runs.registry.versions).toHaveLength(2);
  });

  it('names the forced run that made the build, which has its own run of MLflow', async () => {
    const { before } = await openVersions();
    const { schema: _, seq: __, ...draft } = before;
    await runs.store.records.publish({ ...draft, build: 'forced', forced: true });
    const { model } = findStage(before.stages, 'train')!.outputs;
    await runs.store.bucket.delete(objectKey(model!.md5));
    const { done, started } = await repair(2);
    expect(started).toMatchObject([{ repair: { forced_by: before.workflow.run_id } }]);
    expect(done.verified.problems).toEqual([]);
    expect(await runs.store.records.latest('iris', 2)).toMatchObject({ build: 'forced', seq: 2 });
  });

  it('that makes other objects, as another version of the program does, makes another build', async () => {
    const { before } = await openVersions();
    const params = { model: { max_depth: 1 } };
    expect(await runs.run(2, { params, repair: {} })).toMatchObject({ seq: 2 });
    expect(await runs.run(2, { params, repair: {} })).toMatchObject({ seq: 2 });
    expect(await runs.store.records.read('iris', 2, 1)).toEqual(before);
  });
});
