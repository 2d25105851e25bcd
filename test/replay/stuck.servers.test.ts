import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withProject } from '../support/with-project.ts';
import { openProxy } from '../support/proxy.ts';
import { reaches } from './scenarios.ts';

/** A run that is open while workers with other code start: its status says so, and nothing is lost. */

let native: NativeConnection;

const mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
const project = withProject('stuck', { env: { MLFLOW_TRACKING_URI: mlflow.uri }, workers: [] });
const { temporal } = project;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  native = await NativeConnection.connect({ address: project.env['TEMPORAL_ADDRESS']! });
});
afterAll(async () => {
  await native?.close();
  mlflow.close();
});

it('a history too old for the code is reported in a sentence, and goes on with the code it began on', async () => {
  const namespace = project.env['TEMPORAL_NAMESPACE']!;
  const began = await project.startWorker();
  mlflow.poison('unavailable'); // training is begun, and does not end
  const handle = await temporal.workflow.start('trainBatch', {
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
  await project.startWorker();
  expect(await handle.result()).toMatchObject({ version: { version: 1, seq: 1 } });
});
