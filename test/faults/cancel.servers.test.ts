import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { RunningWorker } from '../support/project.ts';
import { busiestThread, SHOWS_THREADS, threadEnds } from '../support/threads.ts';
import { openLongTrain, type LongTrain } from './long-train.ts';

/** A long train that is stopped by hand: its thread ends, nothing half done is left, and a new run goes on. */

let long: LongTrain;
let worker: RunningWorker;

beforeAll(async () => {
  long = await openLongTrain('stopped');
  worker = await long.project.startWorker();
});
afterAll(() => long?.project.close('SIGKILL'));

/** Starts a run, stops it by `stop` while the tree grows, and waits until no thread of it computes. */
async function stopped(
  stop: (handle: WorkflowHandle) => Promise<unknown>,
): Promise<WorkflowHandle> {
  const handle = await long.start();
  await long.training(handle);
  const thread = SHOWS_THREADS ? await busiestThread(worker.pid) : 0;
  expect((await handle.describe()).status.name).toBe('RUNNING');
  const [end] = await Promise.all([
    threadEnds(worker.pid, thread).then(() => Date.now()),
    stop(handle),
  ]);
  // Not asserted: how long it takes depends on how busy the machine is.
  console.info(
    `from the request to the end of the thread: ${Math.round(end - (await askedAt(handle)))} ms`,
  );
  return handle;
}

/** When the server was asked to stop the run. */
async function askedAt(handle: WorkflowHandle): Promise<number> {
  const { events } = await handle.fetchHistory();
  const asked = events!.find(
    ({ workflowExecutionCancelRequestedEventAttributes: cancel, ...event }) =>
      cancel != null || event.workflowExecutionTerminatedEventAttributes != null,
  );
  return Number(asked!.eventTime!.seconds) * 1000 + asked!.eventTime!.nanos! / 1e6;
}

async function nothingIsPublished(): Promise<void> {
  expect(await long.project.store.records.list(long.pipeline)).toEqual([]);
  expect(await long.project.store.records.read(long.pipeline, 1, 1)).toBeUndefined();
}

const statuses = async (): Promise<string[]> => (await long.runs()).map(({ status }) => status);

describe('a long train', () => {
  it('that is cancelled by the command ends its thread, and its MLflow run as KILLED', async () => {
    const ran = { stdout: '' };
    const handle = await stopped(async () => {
      const args = ['cancel', '1', '--pipeline', long.pipeline];
      ran.stdout = (await long.project.client(...args)).stdout;
    });
    expect(ran.stdout).toContain(`${long.workflowId} cancelled`);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(await statuses()).toEqual(['KILLED']);
    await nothingIsPublished();
  });

  it('that is cancelled by any client does the same', async () => {
    const handle = await stopped((running) => running.cancel());
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(await statuses()).toEqual(['KILLED']);
    await nothingIsPublished();
  });

  it('that is terminated ends its thread, and the next run continues with what it has stored', async () => {
    const handle = await stopped((running) => running.terminate('by a person'));
    expect((await handle.describe()).status.name).toBe('TERMINATED');
    // A terminated workflow cannot end its MLflow run: the worker that trained does.
    await expect.poll(statuses, { timeout: 120_000 }).toEqual(['KILLED']);
    await nothingIsPublished();

    const next = await long.result(await long.start());
    expect(next.version).toMatchObject({ version: 1, seq: 1 });
    const states = next.stages.map(({ stage, state }) => `${stage} ${state}`);
    expect(states.slice(3)).toEqual([
      'preprocess cached',
      'train done',
      'evaluate done',
      'gate done',
    ]);
    expect(await statuses()).toEqual(['FINISHED']);
    const forced = await long.result(await long.start({ force: true }));
    expect(await long.made(forced)).toEqual(await long.made(next));
  });
});
