import { formatTable } from '../../client/format.ts';
import type { Project } from '../../test/support/project.ts';
import type { Task } from '../baseline/sides.ts';
import { openEmptyWorker } from '../empty-worker.ts';
import { spreadOf, type Spread } from '../measure.ts';
import { ourVersion } from './ours.ts';

/** The activities of a run: the seven stages and the record. */
const ACTIVITIES = 8;

/** Milliseconds from start to close of cached runs by version, and of as many empty activities. */
export interface CachedCosts {
  empty: Spread;
  cached: Record<number, Spread>;
}

/** Runs complete versions again, in turn with a workflow of empty activities. */
export async function cachedRuns(
  project: Project,
  { name, source, target, batchSize, maxDepth, seed }: Task,
  versions: readonly number[],
  rounds: number,
): Promise<CachedCosts> {
  const { client, runEmpty, close } = await openEmptyWorker(project);
  const params = {
    data: { source, target, batch_size: batchSize },
    model: { max_depth: maxDepth },
  };
  let id = 0;
  const runVersion = (version: number): Promise<unknown> =>
    client.workflow.execute('trainBatch', {
      workflowId: `bench-${id++}`,
      taskQueue: 'incremental-training',
      args: [{ batch: version, pipeline: name, params }],
    });
  const empty: number[] = [];
  const cached: Record<number, number[]> = {};
  const task = { name, source, target, batchSize, maxDepth, seed };
  for (const version of versions) await ourVersion(project, task, version);
  for (let round = 0; round <= rounds; round++) {
    const nothing = await timed(() => runEmpty(ACTIVITIES));
    if (round > 0) empty.push(nothing); // the first warms both workers
    for (const version of versions) {
      const ms = await timed(() => runVersion(version));
      if (round > 0) (cached[version] ??= []).push(ms);
    }
  }
  await close();
  return {
    empty: spreadOf(empty),
    cached: Object.fromEntries(Object.entries(cached).map(([n, list]) => [n, spreadOf(list)])),
  };
}

/** The time of some work, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** A table of the medians, and of the time of a cached run beyond Temporal's own. */
export function cachedTable({ empty, cached }: CachedCosts): string {
  const row = (name: string, { runs, min, median, max }: Spread): (string | number)[] => [
    name,
    runs,
    ...[min, median, max, median - empty.median].map((ms) => ms.toFixed(0)),
  ];
  return formatTable(
    ['ms', 'runs', 'min', 'median', 'max', 'beyond Temporal'],
    [
      row(`${ACTIVITIES} empty activities`, empty),
      ...Object.entries(cached).map(([version, spread]) =>
        row(`version ${version}, cached throughout`, spread),
      ),
    ],
  );
}
