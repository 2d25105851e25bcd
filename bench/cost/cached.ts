import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { table } from '../../client/display.ts';
import type { Project } from '../../test/support/project.ts';
import type { Task } from '../baseline/task.ts';
import { spreadOf, type Spread } from '../results.ts';
import { ourVersion } from './ours.ts';

/** The six stages and the record: what a run has of activities. */
const ACTIVITIES = 7;

/** Milliseconds from start to close of cached runs by version, and of as many empty activities. */
export interface CachedCosts {
  empty: Spread;
  cached: Record<number, Spread>;
}

/** Runs versions again that are there in full, in turn with a workflow of activities that do nothing. */
export async function cachedRuns(
  project: Project,
  { name, source, target, batchSize, maxDepth, seed }: Task,
  versions: readonly number[],
  rounds: number,
): Promise<CachedCosts> {
  const address = project.env['TEMPORAL_ADDRESS']!;
  const namespace = project.env['TEMPORAL_NAMESPACE']!;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: 'empty',
    workflowsPath: fileURLToPath(new URL('../empty-workflow.ts', import.meta.url)),
    activities: { empty: async () => undefined },
  });
  const running = worker.run();
  const params = {
    data: { source, target, batch_size: batchSize },
    model: { max_depth: maxDepth },
  };
  let id = 0;
  const timed = async (type: string, taskQueue: string, args: unknown[]): Promise<number> => {
    const begun = performance.now();
    await client.workflow.execute(type, { workflowId: `bench-${id++}`, taskQueue, args });
    return performance.now() - begun;
  };
  const empty: number[] = [];
  const cached: Record<number, number[]> = {};
  const task = { name, source, target, batchSize, maxDepth, seed };
  for (const version of versions) await ourVersion(project, task, version);
  for (let round = 0; round <= rounds; round++) {
    const nothing = await timed('emptyActivities', 'empty', [ACTIVITIES]);
    if (round > 0) empty.push(nothing); // the first warms both workers
    for (const version of versions) {
      const input = { batch: version, pipeline: name, params };
      const ms = await timed('trainBatch', 'incremental-training', [input]);
      if (round > 0) (cached[version] ??= []).push(ms);
    }
  }
  worker.shutdown();
  await running;
  await native.close();
  await connection.close();
  return {
    empty: spreadOf(empty),
    cached: Object.fromEntries(Object.entries(cached).map(([n, list]) => [n, spreadOf(list)])),
  };
}

/** Medians, and what a cached run takes beyond Temporal's own. */
export function cachedTable({ empty, cached }: CachedCosts): string {
  const row = (name: string, { runs, min, median, max }: Spread): (string | number)[] => [
    name,
    runs,
    ...[min, median, max, median - empty.median].map((ms) => ms.toFixed(0)),
  ];
  return table(
    ['ms', 'runs', 'min', 'median', 'max', 'beyond Temporal'],
    [
      row(`${ACTIVITIES} empty activities`, empty),
      ...Object.entries(cached).map(([version, spread]) =>
        row(`version ${version}, cached throughout`, spread),
      ),
    ],
  );
}
