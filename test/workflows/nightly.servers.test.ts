import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainBatchInput } from '../../contract/train-batch.ts';
import type { FindPendingRequest, NightlyInput, QuarantinedFile } from '../../contract/nightly.ts';
import { pinNightly } from '../../activities/pin_nightly.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import type { nightly } from '../../workflows/nightly.ts';
import {
  openRealServer,
  openTimeSkipping,
  type WorkflowServer,
} from '../support/workflow-server.ts';

/** The nightly alone, with stubs for its batches, mostly on Temporal's time-skipping test server. */

let temporal: WorkflowServer;
let real: WorkflowServer;

beforeAll(async () => {
  const workflows = new URL('nightly-stubs.ts', import.meta.url);
  [temporal, real] = await Promise.all([openTimeSkipping(workflows), openRealServer(workflows)]);
});
afterAll(() => Promise.all([temporal?.close(), real?.close()]));

const own = Date.now().toString(36);

let runs = 0;

/** A pipeline whose batches 1..`known` have arrived, and what becomes of them. */
function standIns(
  known: number,
  over: (input: TrainBatchInput) => unknown = () => undefined,
  {
    onQuarantine,
    quarantined,
  }: { onQuarantine: 'warn' | 'fail'; quarantined?: QuarantinedFile[] } = {
    onQuarantine: 'warn',
  },
) {
  const pipeline = `nights-${own}-${runs++}`;
  const ran: TrainBatchInput[] = [];
  const built = new Set<number>();
  const asked: FindPendingRequest[] = [];
  const config = {
    pipeline,
    params: {},
    ownParams: {},
    unlisted: undefined,
    nightly: { onQuarantine },
  } as const;
  const ledgers = { read: async () => undefined };
  const activities = {
    pin_nightly: async (input: unknown) =>
      pinNightly({ readConfig: () => config, store: { ledgers } }, input),
    find_pending: async (request: FindPendingRequest) => {
      asked.push(request);
      const batches = Array.from({ length: known }, (_, i) => ({ batch: i + 1 }));
      return {
        batches: batches.filter(({ batch }) => !built.has(batch)),
        more: 0,
        warnings: [],
        ...(request.look && quarantined !== undefined ? { quarantined } : {}),
      };
    },
    run_batch: async (input: TrainBatchInput) => {
      ran.push(input);
      await over(input);
      built.add(input.batch);
      return { name: 'accuracy', value: 0.9 };
    },
  };
  return { pipeline, ran, built, asked, activities };
}

function withWorker<T>(
  { pipeline, activities }: ReturnType<typeof standIns>,
  use: (start: (id: string, input?: NightlyInput) => ReturnType<typeof begin>) => Promise<T>,
  server = temporal,
): Promise<T> {
  return server.withWorker(activities, (queue) =>
    use((id, input = {}) => begin(server, queue, `${pipeline}-${id}`, input)),
  );
}

const begin = (
  { client }: WorkflowServer,
  taskQueue: string,
  workflowId: string,
  input: NightlyInput,
) =>
  client.workflow.start<typeof nightly>('nightly', {
    taskQueue,
    workflowId,
    args: [input],
  });

const numbers = (ran: readonly TrainBatchInput[]): number[] => ran.map(({ batch }) => batch);

describe('nightly', () => {
  it('runs what is pending in order, each as the workflow it would be by hand; {} suffices', async () => {
    const world = standIns(3);
    const summary = await withWorker(world, async (start) => (await start('nightly')).result());
    expect(numbers(world.ran)).toEqual([1, 2, 3]);
    expect(summary).toMatchObject({
      state: `batches 1–3 of ${world.pipeline} done`,
      waiting: 0,
      batches: [1, 2, 3].map((batch) => ({
        batch,
        state: 'done',
        score: { name: 'accuracy', value: 0.9 },
      })),
    });
    const child = temporal.client.workflow.getHandle(`${world.pipeline}-batch-2`);
    expect((await child.describe()).status.name).toBe('COMPLETED');
  });

  it.each(['warn', 'fail'] as const)(
    'with on_quarantine: %s runs the other batches, and its end names the file',
    async (onQuarantine) => {
      const quarantined = [{ name: 'b.csv', reason: 'it is empty' }];
      const world = standIns(1, undefined, { onQuarantine, quarantined });
      const ended = await withWorker(world, async (start) =>
        (await start('nightly')).result().catch((error: unknown) => (error as Error).cause),
      );
      const state = `batch 1 of ${world.pipeline} done; 1 file is quarantined: b.csv (it is empty)`;
      expect(numbers(world.ran)).toEqual([1]);
      expect(ended).toMatchObject(
        onQuarantine === 'warn' ? { state, quarantined } : { type: 'Quarantined', message: state },
      );
    },
  );

  it('with nothing to do is a quick success that says so', async () => {
    const world = standIns(0);
    const summary = await withWorker(world, async (start) => (await start('nightly')).result());
    expect(summary.state).toBe(`nothing to do: no batch of ${world.pipeline} is pending`);
    expect(world.ran).toEqual([]);
  });

  it('a stale version keeps its params, and a model of another type has no params of the present one', async () => {
    const world = standIns(2);
    const stale = [
      { batch: 1, params: { model: { max_depth: 3 } } },
      { batch: 2, params: { model: { task: 'classification', type: 'baseline' } } },
    ];
    const find_pending = async () => {
      const batches = stale.filter(({ batch }) => !world.built.has(batch));
      return { batches, more: 0, warnings: [] };
    };
    const rebuilding = { ...world, activities: { ...world.activities, find_pending } };
    await withWorker(rebuilding, async (start) =>
      (await start('rebuild', { rebuild: true })).result(),
    );
    const models = world.ran.map(({ params }) => params?.['model']);
    const { model } = paramsOf({}, {});
    expect(models).toEqual([{ ...model, max_depth: 3 }, stale[1]!.params.model]);
  });

  it('a failed batch stops the later ones, and the failure says which batches are done', async () => {
    const world = standIns(4, ({ batch }) => {
      if (batch === 2) throw ApplicationFailure.nonRetryable('b.csv is gone', 'BadData');
    });
    const failed = withWorker(world, async (start) => (await start('nightly')).result());
    await expect(failed).rejects.toMatchObject({
      cause: {
        type: 'BatchFailed',
        message: expect.stringMatching(
          new RegExp(`^batch 2 of ${world.pipeline} failed: .*; 2 batches wait for it$`),
        ),
        details: [{ waiting: 2, batches: [{ state: 'done' }, { batch: 2, state: 'failed' }] }],
      },
    });
    expect(numbers(world.ran)).toEqual([1, 2]);
  });

  it('fails with the sentence of what it could not do, such as to read the store', async () => {
    const world = standIns(1);
    const find_pending = async (): Promise<never> => {
      throw ApplicationFailure.nonRetryable('the bucket is not there: create it', 'StorageRefused');
    };
    const lost = { ...world, activities: { ...world.activities, find_pending } };
    const failed = withWorker(lost, async (start) => (await start('nightly')).result());
    await expect(failed).rejects.toMatchObject({
      cause: { type: 'StorageRefused', message: 'the bucket is not there: create it' },
    });
  });

  it('two at once do no harm: no batch is run by both at the same time, and both succeed', async () => {
    const underWay = new Set<number>();
    const world = standIns(3, async ({ batch }) => {
      expect(underWay).not.toContain(batch);
      underWay.add(batch);
      await new Promise((resolve) => setTimeout(resolve, 200));
      underWay.delete(batch);
    });
    // Not where time is skipped: there, a server on a busy machine ends a workflow that waits for the other.
    const both = await withWorker(
      world,
      async (start) => {
        const handles = await Promise.all([start('nightly-a'), start('nightly-b')]);
        return Promise.all(handles.map((handle) => handle.result()));
      },
      real,
    );
    expect([...new Set(numbers(world.ran))]).toEqual([1, 2, 3]);
    for (const { waiting } of both) expect(waiting).toBe(0);
  });

  it('goes on in a new run after fifty batches, with the input it was given', async () => {
    const world = standIns(53);
    const summary = await withWorker(world, async (start) => {
      const handle = await start('nightly', { params: { model: { max_depth: 3 } } });
      const last = await handle.result();
      const first = temporal.client.workflow.getHandle(
        handle.workflowId,
        handle.firstExecutionRunId,
      );
      expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
      return last;
    });
    expect(numbers(world.ran)).toEqual(Array.from({ length: 53 }, (_, i) => i + 1));
    expect(numbers(summary.batches as never)).toEqual([51, 52, 53]);
    expect(world.ran.at(-1)!.params).toMatchObject({ model: { max_depth: 3 } });
  });

  it('refuses wrong input at once, with the sentence as its failure', async () => {
    const world = standIns(1);
    const failed = withWorker(world, async (start) =>
      (await start('nightly', { batch: 1 } as never)).result(),
    );
    await expect(failed).rejects.toMatchObject({
      cause: { type: 'BadParams', message: expect.stringContaining('batch is not a known key') },
    });
    expect(world.ran).toEqual([]);
  });
});
