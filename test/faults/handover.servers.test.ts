import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../contract/train-batch.ts';
import type { RunningWorker } from '../support/project.ts';
import { openLongTrain, type LongTrain, type Training } from './long-train.ts';

/** Two workers on one queue: what one has in hand when it goes, the other finishes. One alone ends when it must. */

let long: LongTrain;
let workers: RunningWorker[];

const startWorkers = async (count: number, grace = '1'): Promise<void> => {
  const start = (): Promise<RunningWorker> => long.project.startWorker('--shutdown-grace', grace);
  workers = await Promise.all(Array.from({ length: count }, start));
};

beforeEach(async () => {
  // The default of 30 s is the same wait, only longer.
  long = await openLongTrain('handed', { RETRAIN_HEARTBEAT_TIMEOUT: '10' });
});
afterEach(() => long?.project.close('SIGKILL'));

/** A run in the middle of training, and which worker does that. */
async function training(): Promise<{ handle: WorkflowHandle; on: RunningWorker; at: Training }> {
  const handle = await long.start();
  const at = await long.training(handle);
  return { handle, at, on: workers.find(({ pid }) => pid === at.pid)! };
}

/** What an undisturbed run makes: the same in every test, for so are the rows and the paths. */
let calm: string[] | undefined;

/** The run went on where it was, and has left what an undisturbed one leaves, once. */
async function expectWhole(handle: WorkflowHandle, run: RunSummary): Promise<void> {
  const { events } = await handle.fetchHistory();
  const scheduled = events!.flatMap(({ activityTaskScheduledEventAttributes: one }) =>
    one?.activityType?.name == null ? [] : [one.activityType.name],
  );
  expect(scheduled).toEqual([...new Set(scheduled)]); // no stage before it was asked for again
  expect((await long.runs()).map(({ status }) => status)).toEqual(['FINISHED']);
  calm ??= await long.made(await long.result(await long.start({ force: true })));
  expect(await long.made(run)).toEqual(calm);
}

describe('in the middle of a long train', () => {
  it('a worker that is killed is noticed, and the other takes over what is stored', async () => {
    await startWorkers(2);
    const { handle, on, at } = await training();
    on.kill('SIGKILL');
    const killed = Date.now();
    const next = await long.training(handle, 2);
    console.info(`from the kill until the other trains: ${Date.now() - killed} ms`);
    expect(next.pid).not.toBe(at.pid);
    await expectWhole(handle, await long.result(handle));
  });

  it('a worker that is asked to stop says so, hands its work over, and ends without an error', async () => {
    await startWorkers(2);
    const { handle, on, at } = await training();
    expect(await on.health('readyz')).toEqual([200, 'RUNNING']);
    on.kill('SIGTERM');
    const asked = Date.now();
    const ask = () => Promise.all([on.health('readyz'), on.health('healthz')]);
    let [ready, live] = await ask();
    while (ready[0] === 200) [ready, live] = await ask();
    expect(ready).toEqual([503, expect.stringMatching(/STOPPING|DRAIN/)]);
    expect(live[0]).toBe(200);
    const next = await long.training(handle, 2);
    console.info(
      `from SIGTERM, with 1 s of grace, until the other trains: ${Date.now() - asked} ms`,
    );
    expect(next.pid).not.toBe(at.pid);
    expect(await on.ended).toBe(0);
    await expectWhole(handle, await long.result(handle));
  });

  it('a second signal ends a worker at once', async () => {
    await startWorkers(1, '300'); // one signal alone waits for the training
    const { on } = await training();
    on.kill('SIGTERM');
    while ((await on.health('readyz'))[0] === 200) await sleep(20);
    on.kill('SIGTERM');
    expect(await on.ended).toBe(130);
  });
});
