import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, expect, it } from 'vitest';
import type { RunSummary } from '../../contract/train-batch.ts';
import { labelled } from '../support/csv.ts';
import { needs } from '../support/needs.ts';
import { withProject } from '../support/with-project.ts';

/** A worker whose disk is full: a small one is mounted where it keeps what it works with. */

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;
const umount = (folder: string): boolean => spawnSync('umount', [folder]).status === 0;

/** Only root may mount, and in a container perhaps not even root. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'retrain mount '));
  const may = mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder) && umount(folder);
  rmSync(folder, { recursive: true });
  return may;
}

const ROWS = 300_000;
const MAY_MOUNT = mayMount();

const project = withProject('full', {
  prepare: ({ write }) => {
    write('rows.csv', labelled(ROWS)); // some 3 MB
    mkdirSync(disk);
    mount('-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk);
  },
});
const { temporal } = project;
const disk = join(project.folder, '.retrain');

afterAll(async () => {
  await Promise.all(project.workers.map((worker) => worker.stop())); // a disk in use cannot be unmounted
  umount(disk);
});

/** Waits until a stage fails, and says why. */
async function whyItWaits(handle: WorkflowHandle, stage: string): Promise<string> {
  for (;;) {
    const { raw, status } = await handle.describe();
    if (status.name !== 'RUNNING') throw new Error(`it is ${status.name}`);
    const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === stage);
    const failure = pending?.lastFailure;
    if (failure != null) return `${failure.applicationFailureInfo?.type}: ${failure.message}`;
    await sleep(100);
  }
}

it(
  'a run waits for room, says where, and goes on once there is some',
  needs(MAY_MOUNT ? undefined : 'this user may not mount a disk'),
  async () => {
    const data = { source: 'rows.csv', target: 'label', batch_size: ROWS };
    const handle = await temporal.workflow.start('trainBatch', {
      workflowId: 'full-batch-1',
      taskQueue: 'incremental-training',
      args: [{ batch: 1, pipeline: 'full', params: { data } }],
    });
    expect(await whyItWaits(handle, 'get_data')).toMatch(
      /^DiskFull: there is no room left for .*\.retrain\/scratch\/retrain-source-\S+ .*: free some/,
    );
    // Room for the rows, and none for the batch that is cut of them.
    mount('-o', 'remount,size=5m', disk);
    expect(await whyItWaits(handle, 'prepare_batch')).toMatch(
      /^DiskFull: there is no room left for .*\.retrain\/scratch\/\S+ .*: free some/,
    );
    mount('-o', 'remount,size=64m', disk);
    const { version } = (await handle.result()) as RunSummary;
    expect(version!.metrics['accuracy']).toBe(1);
    expect(readdirSync(join(disk, 'scratch'))).toEqual([]);
    const verified = await project.client('verify', '1', '--pipeline', 'full');
    expect([verified.code, verified.stderr]).toEqual([0, expect.not.stringContaining('error')]);
  },
);
