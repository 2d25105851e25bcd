import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../contract/train-batch.ts';
import { verifyVersions } from '../../client/commands/verify/versions.ts';
import { objectKey } from '../../store/hash.ts';
import { batchesAt, type Ledger } from '../../store/ledger/ledger.ts';
import type { Ref } from '../../contract/ref.ts';
import type { trainBatch } from '../../workflows/index.ts';
import { labelled } from '../support/csv.ts';
import { makeDvcFolder } from '../support/dvc.ts';
import { succeed } from '../support/project.ts';
import { rot } from '../support/rot.ts';
import { withProject } from '../support/with-project.ts';

/** Amended and uploaded data that is damaged, lost, or changed while a run is running. */

const project = withProject('repair', {
  prepare: ({ editParams, write }) => {
    write('sales.csv', labelled(150, 1));
    editParams({
      'pipeline: iris': 'pipeline: sales',
      'source: iris': 'source: sales.csv',
      'target: species': 'target: label',
    });
    write('amended.csv', handed(40, 2));
  },
  workers: [
    ['--role', 'io'],
    ['--role', 'cpu'],
  ],
  runs: [['2']],
});
const { store, temporal } = project;

/** Rows as a batch is not written, so that the file and the batch are two objects. */
const handed = (rows: number, seed: number): string =>
  labelled(rows, seed).replaceAll('\n', '\r\n');

const ledgerNow = async (): Promise<Ledger> => (await store.ledgers.read('sales'))!;

async function verified(version?: number) {
  const { problems } = await verifyVersions(store, { pipeline: 'sales', version });
  return problems.map(({ state, key, versions }) => ({ state, key, versions: [...versions] }));
}

describe('an amended batch', () => {
  it.each([
    ['lost', (ref: Ref) => store.bucket.delete(objectKey(ref.md5)), []],
    ['damaged', (ref: Ref) => rot(project, ref), ['--publish', '--set', 'split.test_size=0.3']],
  ])('that is %s is cut again from what it was amended from', async (_what, harm, flags) => {
    await succeed(project.client('amend', '1', '--source', 'amended.csv'));
    const ledger = await ledgerNow();
    const { ref } = ledger.batches[0]!;
    await harm(ref);
    await succeed(project.client('run', '2', ...flags));
    await store.artifacts.get(ref); // throws where it is still damaged
    expect(await ledgerNow()).toEqual(ledger);
    const { healed, ledger_revision } = await store.records.latest('sales', 2);
    expect(healed).toContainEqual({ path: expect.any(String), md5: ref.md5 });
    expect(ledger_revision).toBe(ledger.revision);
    expect(await verified(2)).toEqual([]);
  });

  it('is pulled by DVC, which finds it clean and runs nothing', async () => {
    const repo = makeDvcFolder('amended', project.env);
    try {
      mkdirSync(repo.folder);
      await succeed(project.client('dvc', 'export', '2', '--out', repo.folder));
      await succeed(repo.dvc('pull'));
      expect(await repo.dvcJson('status')).toEqual({});
      expect(await repo.dvcJson('status', '--cloud')).toEqual({});
      expect((await succeed(repo.dvc('repro'))).stdout).not.toContain('Running stage');
      const [batch] = readdirSync(join(repo.folder, 'data/merged')).toSorted();
      expect(readFileSync(join(repo.folder, 'data/merged', batch!))).toEqual(
        Buffer.from(await store.artifacts.get((await ledgerNow()).batches[0]!.ref)),
      );
    } finally {
      repo.remove();
    }
  });

  it('stays what it was for a run under way, whose version is stale from then on', async () => {
    const before = await ledgerNow();
    await project.workers[1]!.stop();
    await succeed(
      project.client('run', '2', '--publish', '--set', 'model.max_depth=3', '--detach'),
    );
    const run = temporal.workflow.getHandle<typeof trainBatch>('sales-batch-2');
    for (;;) {
      const { stages } = await run.query<RunSummary>('progress');
      if (stages.find(({ stage }) => stage === 'preprocess')!.state === 'running') break;
      await sleep(200);
    }
    project.write('meanwhile.csv', handed(45, 3));
    await succeed(project.client('amend', '1', '--source', 'meanwhile.csv'));
    await project.startWorker('--role', 'cpu');
    await run.result();
    const now = await ledgerNow();
    expect(now.revision).toBe(before.revision + 1);
    const record = await store.records.latest('sales', 2);
    expect(record.ledger_revision).toBe(before.revision);
    const merged = record.stages.find(({ stage }) => stage === 'merge_data')!.outputs['merged']!;
    const files = await store.artifacts.list(merged);
    expect(files.map(({ sha256 }) => sha256)).toEqual(
      batchesAt(now, 2, before.revision).map(({ ref }) => ref.sha256),
    );
    expect(await verified(2)).toEqual([]);
    const { stdout } = await succeed(project.client('list', '--json'));
    expect(JSON.parse(stdout)).toMatchObject({ stale: [{ version: 2, batches: [1] }] });
    await succeed(project.client('run', '2', '--publish', '--set', 'model.max_depth=3'));
    expect(await store.records.latest('sales', 2)).toMatchObject({
      seq: record.seq + 1,
      ledger_revision: now.revision,
    });
  });

  it('whose file is damaged is named, and comes back by the same amendment', async () => {
    const { amended, batches } = await ledgerNow();
    const now = await rot(project, amended.at(-1)!.ref);
    const [was] = batches[0]!.replaced;
    const [right, old] = [await store.artifacts.get(was!.ref), objectKey(was!.ref.md5)];
    await store.bucket.delete(old);
    expect(await verified(2)).toEqual([{ state: 'damaged', key: now, versions: [2] }]);
    expect(await verified()).toContainEqual({ state: 'missing', key: old, versions: [] });
    const { code, stdout } = await project.client('verify', '--all', '--repair', '--json');
    expect(code).toBe(1);
    const { repair } = JSON.parse(stdout) as { repair: { runs: []; left: { key: string }[] } };
    expect(repair.runs).toEqual([]);
    expect(repair.left.map(({ key }) => key).toSorted()).toEqual([now, old].toSorted());
    const { stderr } = await project.client('verify', '--all', '--repair');
    expect(stderr).toContain('amend 1 --source FILE');
    await succeed(project.client('amend', '1', '--source', 'meanwhile.csv'));
    await store.artifacts.put(was!.ref.path, right);
    expect(await verified()).toEqual([]);
    expect((await ledgerNow()).amended).toEqual(amended);
  });
});

describe('what a client has brought', () => {
  it('and has rotted under its checksum is found, and sent again by the next run', async () => {
    const { ref } = (await ledgerNow()).raw[0]!;
    const key = await rot(project, ref);
    expect(await verified(2)).toEqual([{ state: 'damaged', key, versions: [2] }]);
    // The worker's own copy would hide it.
    rmSync(join(project.folder, '.retrain'), { recursive: true });
    const { stderr } = await succeed(project.client('run', '3'));
    expect(stderr).toContain(
      'data/raw/sales.csv is missing or damaged in the bucket: it is sent again',
    );
    expect(await verified()).toEqual([]);
  });

  it('and is no longer here is not sent: the run says what is damaged', async () => {
    const { ref } = (await ledgerNow()).raw[0]!;
    const [key, right] = [await rot(project, ref), readFileSync(join(project.folder, 'sales.csv'))];
    rmSync(join(project.folder, '.retrain'), { recursive: true });
    rmSync(join(project.folder, 'sales.csv'));
    const { code, stderr } = await project.client(
      'run',
      '1',
      '--set',
      'data.batch_size=50',
      '--force',
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining('sales.csv')]);
    project.write('sales.csv', right);
    await succeed(project.client('verify', '--all', '--repair'));
    expect((await store.bucket.get(key))!.bytes.byteLength).toBe(ref.size);
    expect(await verified()).toEqual([]);
  });
});

describe('a file that has arrived and is in no batch yet', () => {
  it('is found damaged, and taken from its folder again', async () => {
    mkdirSync(join(project.folder, 'incoming'));
    project.write('incoming/a.csv', labelled(40, 5));
    project.write('incoming/b.csv', labelled(40, 6));
    const flags = ['--pipeline', 'repaired', '--set', 'data.source=incoming/'];
    await succeed(project.client('run', '1', ...flags));
    const { raw } = (await store.ledgers.read('repaired'))!;
    const key = await rot(project, raw[1]!.ref);
    const { problems } = await verifyVersions(store, { pipeline: 'repaired', version: undefined });
    expect(problems).toMatchObject([{ key }]);
    expect([...problems[0]!.versions]).toEqual([]);
    const { stdout } = await succeed(
      project.client('verify', '--all', '--repair', '--pipeline', 'repaired', '--json'),
    );
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], repair: { repaired: [{ key }] } });
  });
});
