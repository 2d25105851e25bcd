import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { activityInterceptor } from '../../worker/activity-interceptor.ts';
import { unique } from './project.ts';

/** A Temporal server, and workers on it that run workflows with the activities of a test. */
export interface WorkflowServer {
  client: Client;
  /** Runs a worker with these activities on its own queue until the work is done. */
  withWorker: <T>(activities: object, use: (taskQueue: string) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

/**
 * Temporal's test server, on which hours pass at once.
 * @param workflows the module of the workflows, as a URL
 */
export async function openTimeSkipping(workflows: URL): Promise<WorkflowServer> {
  keepQuiet();
  const path = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'temporal-test-server');
  const [environment, withWorker] = await Promise.all([
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    }),
    prepareWorkers(workflows),
  ]);
  const { client, nativeConnection } = environment;
  return {
    client,
    withWorker: (activities, use) => withWorker(nativeConnection, activities, use),
    close: () => environment.teardown(),
  };
}

/**
 * The real server of the test stack, for updates, signals and children that meet.
 * @param workflows the module of the workflows, as a URL
 */
export async function openRealServer(workflows: URL): Promise<WorkflowServer> {
  keepQuiet();
  const address = process.env['TEMPORAL_ADDRESS']!;
  const [connection, native, withWorker] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
    prepareWorkers(workflows),
  ]);
  return {
    client: new Client({ connection }),
    withWorker: (activities, use) => withWorker(native, activities, use),
    close: async () => {
      await connection.close();
      await native.close();
    },
  };
}

/** The activities of a history in their order, each with its heartbeat timeout in seconds. */
export async function readHeartbeats(
  handle: Pick<WorkflowHandle, 'fetchHistory'>,
): Promise<[name: string, seconds: number][]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled == null
      ? []
      : [[scheduled.activityType!.name!, Number(scheduled.heartbeatTimeout?.seconds ?? 0)]],
  );
}

let isQuiet = false;

/** Failures are what the tests are about, so only errors of the worker are logged. */
function keepQuiet(): void {
  if (!isQuiet) Runtime.install({ logger: new DefaultLogger('ERROR') });
  isQuiet = true;
}

/** A file of tests may open both servers with the same workflows. */
const bundles = new Map<string, ReturnType<typeof bundleWorkflowCode>>();

function bundleOnce(workflows: URL): ReturnType<typeof bundleWorkflowCode> {
  const bundle =
    bundles.get(workflows.href) ?? bundleWorkflowCode({ workflowsPath: fileURLToPath(workflows) });
  bundles.set(workflows.href, bundle);
  return bundle;
}

async function prepareWorkers(workflows: URL) {
  const workflowBundle = await bundleOnce(workflows);
  const own = unique('queue');
  let queues = 0;
  return async <T>(
    connection: NativeConnection,
    activities: object,
    use: (taskQueue: string) => Promise<T>,
  ): Promise<T> => {
    const taskQueue = `${own}-${queues++}`;
    const worker = await Worker.create({
      connection,
      taskQueue,
      workflowBundle,
      activities,
      interceptors: { activity: [(context) => ({ inbound: activityInterceptor(context) })] },
    });
    return worker.runUntil(() => use(taskQueue));
  };
}
