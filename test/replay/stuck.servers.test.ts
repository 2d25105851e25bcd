import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeProject, startWorker, type Project } from '../support/project.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { reaches } from './scenarios.ts';

/** A run that is open while workers with other code come: who looks at it is told, and nothing is lost. */

let project: Project;
let mlflow: Proxy;
let connection: Connection;
let native: NativeConnection;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
  project = await makeProject('stuck', { MLFLOW_TRACKING_URI: mlflow.uri });
  const address = project.env['TEMPORAL_ADDRESS']!;
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
});
afterAll(async () => {
  await native?.close();
  await connection?.close();
  mlflow?.close();
  project?.remove();
});

it('a history too old for the code is told in a sentence, and goes on with the code it began on', async () => {
  const namespace = project.env['TEMPORAL_NAMESPACE']!;
  const client = new Client({ connection, namespace });
  const began = await startWorker(project);
  mlflow.poison('unavailable'); // training is begun, and does not end
  const handle = await client.workflow.start('trainBatch', {
    workflowId: 'iris-batch-1',
    taskQueue: 'incremental-training',
    args: [{ batch: 1 }],
  });
  await reaches(handle, 'train', 2);
  began.kill('SIGKILL');
  await began.ended;

  const later = await Worker.create({
    connection: native,
    namespace,
    taskQueue: 'incremental-training',
    workflowsPath: fileURLToPath(new URL('./changed.ts', import.meta.url)),
  });
  await later.runUntil(async () => {
    await handle.signal('anything'); // makes a task of the workflow's
    await expect
      .poll(async () => (await project.client('status', '1')).stderr, { timeout: 120_000 })
      .toMatch(/cannot continue this run because it began on other code \(.+\): start a worker of/);
  });

  mlflow.poison(undefined);
  const again = await startWorker(project);
  expect(await handle.result()).toMatchObject({ version: { version: 1, seq: 1 } });
  await again.stop();
});
