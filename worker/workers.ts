import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { SetupError } from '../contract/failures.ts';
import { activityInterceptor } from './activity-interceptor.ts';
import type { WorkerSettings } from './options.ts';

/** The parts that the Temporal workers of one process share. */
export interface Shared {
  connection: NativeConnection;
  namespace: string;
  activities: object;
  workflows: WorkflowSource;
}

/** Creates the Temporal workers of this process: one for each task queue that it polls. */
export async function createWorkers(shared: Shared, settings: WorkerSettings): Promise<Worker[]> {
  const { role, taskQueue, cpuTaskQueue } = settings;
  const options: WorkerOptions[] = [];
  if (role !== 'cpu')
    options.push({
      ...makeCommonOptions(shared, settings),
      ...shared.workflows,
      taskQueue,
      maxConcurrentActivityTaskExecutions: settings.maxActivities,
      maxCachedWorkflows: settings.maxCachedWorkflows,
      // The runs of a killed worker continue after this time instead of ten seconds.
      stickyQueueScheduleToStartTimeout: '1s',
    });
  if (role === 'cpu' || (role === 'all' && (cpuTaskQueue ?? taskQueue) !== taskQueue))
    options.push({
      ...makeCommonOptions(shared, settings),
      taskQueue: cpuTaskQueue ?? taskQueue,
      maxConcurrentActivityTaskExecutions: settings.maxCpuActivities,
    });
  return Promise.all(options.map((one) => Worker.create(one)));
}

/** Seconds that an activity may take to stop after its cancellation. */
const STOPPING = 40;

/** Seconds that threads and connections may take to close after that. */
const CLOSING = 10;

/** Seconds after a signal until a worker has ended: the grace time, the cancellation, and closing what is open. */
export function sumSecondsToStop({ shutdownGrace }: Pick<WorkerSettings, 'shutdownGrace'>): number {
  return shutdownGrace + STOPPING + CLOSING;
}

function makeCommonOptions(
  { connection, namespace, activities }: Shared,
  { deployment, shutdownGrace }: WorkerSettings,
): Omit<WorkerOptions, 'taskQueue'> {
  return {
    connection,
    namespace,
    activities,
    interceptors: { activity: [(context) => ({ inbound: activityInterceptor(context) })] },
    maxHeartbeatThrottleInterval: '1s',
    shutdownGraceTime: shutdownGrace * 1000,
    shutdownForceTime: (shutdownGrace + STOPPING) * 1000,
    ...(deployment === undefined
      ? {}
      : {
          workerDeploymentOptions: {
            version: { deploymentName: deployment.name, buildId: deployment.buildId },
            useWorkerVersioning: true,
            defaultVersioningBehavior: 'PINNED',
          },
        }),
  };
}

/** Runs the workers until each has drained. When one fails, the others are shut down too. */
export async function runAll(workers: readonly Worker[]): Promise<void> {
  const runs = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      for (const other of workers) if (other.getState() === 'RUNNING') other.shutdown();
      throw error;
    }),
  );
  const ended = await Promise.allSettled(runs);
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

export type WorkflowSource = { workflowBundle: { codePath: string } } | { workflowsPath: string };

/**
 * The workflow code: the bundle when this runs from dist/, else the source.
 * @param options.production the bundle is required
 * @throws SetupError when the bundle is missing
 */
export function workflowSource({ production }: { production: boolean }): WorkflowSource {
  if (import.meta.url.endsWith('.ts') && !production)
    return { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) };
  const codePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  throw new SetupError(`${codePath} is missing: build it with "npm run build"`);
}
