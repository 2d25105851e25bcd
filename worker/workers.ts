import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { activityInterceptor } from './activity-interceptor.ts';
import type { WorkerSettings } from './options.ts';
import type { WorkflowSource } from './workflow-source.ts';

/** What Temporal's workers of one process share. */
export interface Shared {
  connection: NativeConnection;
  namespace: string;
  activities: object;
  workflows: WorkflowSource;
}

/** Temporal's workers of this process: one for each queue it takes work from. */
export async function createWorkers(shared: Shared, settings: WorkerSettings): Promise<Worker[]> {
  const { role, taskQueue, cpuTaskQueue } = settings;
  const options: WorkerOptions[] = [];
  if (role !== 'cpu')
    options.push({
      ...common(shared, settings),
      ...shared.workflows,
      taskQueue,
      maxConcurrentActivityTaskExecutions: settings.maxActivities,
      maxCachedWorkflows: settings.maxCachedWorkflows,
      // A killed worker's runs move on after this long instead of ten seconds.
      stickyQueueScheduleToStartTimeout: '1s',
    });
  if (role === 'cpu' || (role === 'all' && (cpuTaskQueue ?? taskQueue) !== taskQueue))
    options.push({
      ...common(shared, settings),
      taskQueue: cpuTaskQueue ?? taskQueue,
      maxConcurrentActivityTaskExecutions: settings.maxCpuActivities,
    });
  return Promise.all(options.map((one) => Worker.create(one)));
}

/** Seconds that an activity told to stop may take to do so. */
const STOPPING = 40;

function common(
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

/** Runs them all until each has drained; one that fails takes the others down with it. */
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
