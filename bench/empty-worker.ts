import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Project } from '../test/support/project.ts';

/** A client in a project's namespace, and a worker whose activities do nothing. */
export interface EmptyWorker {
  client: Client;
  /** Runs a workflow of `count` activities in a row and waits for its end. */
  runEmpty: (activities: number) => Promise<void>;
  close: () => Promise<void>;
}

/** Starts a worker that measures Temporal's own round trips, on the same server as our workflows. */
export async function openEmptyWorker({ env }: Project): Promise<EmptyWorker> {
  const address = env['TEMPORAL_ADDRESS']!;
  const namespace = env['TEMPORAL_NAMESPACE']!;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: 'empty',
    workflowsPath: fileURLToPath(new URL('./empty-workflow.ts', import.meta.url)),
    activities: { empty: async () => undefined },
  });
  const running = worker.run();
  let id = 0;
  return {
    client,
    runEmpty: async (activities) => {
      const options = { workflowId: `empty-${id++}`, taskQueue: 'empty', args: [activities] };
      await client.workflow.execute('emptyActivities', options);
    },
    close: async () => {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}
