import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { activityInterceptor } from '../../worker/activity-interceptor.ts';

/** Temporal's time-skipping test server, and workers on it. */
export interface TimeSkipping {
  client: Client;
  /** Runs a worker with these activities on its own queue until the work is done. */
  withWorker: <T>(activities: object, use: (taskQueue: string) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

/** @param workflows the module of the workflows, as a URL */
export async function openTimeSkipping(workflows: URL): Promise<TimeSkipping> {
  Runtime.install({ logger: new DefaultLogger('ERROR') }); // failures are what its tests are about
  const path = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'temporal-test-server');
  const [environment, workflowBundle] = await Promise.all([
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    }),
    bundleWorkflowCode({ workflowsPath: fileURLToPath(workflows) }),
  ]);
  let queues = 0;
  return {
    client: environment.client,
    withWorker: async (activities, use) => {
      const taskQueue = `queue-${queues++}`;
      const worker = await Worker.create({
        connection: environment.nativeConnection,
        taskQueue,
        workflowBundle,
        activities,
        interceptors: { activity: [(context) => ({ inbound: activityInterceptor(context) })] },
      });
      return worker.runUntil(() => use(taskQueue));
    },
    close: () => environment.teardown(),
  };
}
