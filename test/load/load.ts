import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { listMembers } from '../../infra/process.ts';
import { randomFrom } from '../faults/random.ts';
import { makeProject } from '../support/project.ts';
import { peakMegabytes } from './peak.ts';

export interface LoadOptions {
  pipelines: number;
  /** Of each pipeline, at most 5: Iris in batches of 30 rows. */
  batches: number;
  /** Of the order in which they are started. */
  seed: number;
}

/** The result of many runs that were started at once; times in seconds, memory in megabytes. */
export interface Load {
  runs: number;
  /** Each that did not complete, and how it ended. */
  failed: string[];
  /** Activities that were tried more than once. */
  retried: number;
  /** Versions that the indexes of the pipelines list. */
  versions: number;
  wall: number;
  medianRun: number;
  slowestRun: number;
  workerPeak: number;
  temporalPeak: number;
  /** How long the Web UI's own question for the list of runs took meanwhile, at most. */
  slowestList: number;
}

/** Starts all batches of all pipelines at once, in any order, on one worker, and waits until each has ended. */
export async function runLoad({ pipelines, batches, seed }: LoadOptions): Promise<Load> {
  const project = await makeProject('load');
  const worker = await project.startWorker();
  const { store, temporal: client } = project;
  const names = Array.from({ length: pipelines }, (_, i) => `load-${seed}-${i}`);
  const asked = names.flatMap((pipeline, i) =>
    Array.from({ length: batches }, (_, batch) => ({ pipeline, batch: batch + 1, rows: i })),
  );
  const start = ({ pipeline, batch, rows }: (typeof asked)[number]): Promise<WorkflowHandle> =>
    client.workflow.start('trainBatch', {
      workflowId: `${pipeline}-batch-${batch}`,
      taskQueue: 'incremental-training',
      // Rows in another order for each pipeline: nothing but the raw data is shared with other pipelines.
      args: [{ pipeline, batch, params: { data: { batch_size: 30, shuffle_seed: rows } } }],
    });
  const watch = new AbortController();
  try {
    const lists = timeLists(project.env, watch.signal);
    const begun = Date.now();
    const handles = await Promise.all(shuffled(asked, randomFrom(seed)).map(start));
    await Promise.allSettled(handles.map((handle) => handle.result()));
    const wall = (Date.now() - begun) / 1000;
    watch.abort();
    const ended = await Promise.all(handles.map(endOf));
    const seconds = ended.map((end) => end.seconds).sort((a, b) => a - b);
    const listed = await Promise.all(names.map((name) => store.records.list(name)));
    const temporal = await listMembers(process.env['RETRAIN_TEST_STACK']!, 'temporal');
    return {
      runs: handles.length,
      failed: ended.flatMap(({ status, id }) =>
        status === 'COMPLETED' ? [] : [`${id} ${status}`],
      ),
      retried: ended.reduce((sum, end) => sum + end.retried, 0),
      versions: listed.flat().length,
      wall,
      medianRun: seconds[seconds.length >> 1]!,
      slowestRun: seconds.at(-1)!,
      workerPeak: peakMegabytes(worker.pid),
      temporalPeak: Math.max(...temporal.map(peakMegabytes)),
      slowestList: Math.max(...(await lists)),
    };
  } finally {
    watch.abort();
    await project.close();
  }
}

async function endOf(handle: WorkflowHandle) {
  const { status, startTime, closeTime } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const tries = events!.map(({ activityTaskStartedEventAttributes: begun }) => begun?.attempt ?? 1);
  return {
    id: handle.workflowId,
    status: status.name,
    seconds: ((closeTime ?? new Date()).getTime() - startTime.getTime()) / 1000,
    retried: tries.filter((attempt) => attempt > 1).length,
  };
}

/** Asks what the Web UI asks for its first page, every two seconds until it is stopped. */
async function timeLists(env: Record<string, string>, stop: AbortSignal): Promise<number[]> {
  const seconds: number[] = [];
  const url = `${env['TEMPORAL_UI_URL']}/api/v1/namespaces/${env['TEMPORAL_NAMESPACE']}/workflows`;
  while (!stop.aborted) {
    const begun = Date.now();
    const answer = await fetch(url);
    await answer.text();
    if (!answer.ok) throw new Error(`the Web UI answers ${answer.status}`);
    seconds.push((Date.now() - begun) / 1000);
    await sleep(2_000, undefined, { signal: stop }).catch(() => undefined);
  }
  return seconds;
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}
