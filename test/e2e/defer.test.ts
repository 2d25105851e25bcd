import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { createMlflowTracker } from '../../tracking/mlflow.ts';
import type { logVersion } from '../../workflows/index.ts';
import {
  freePort,
  makeProject,
  startWorker,
  type Project,
  type RunningWorker,
} from '../support/project.ts';
import { relayTo, type Relay } from '../tracking/relay.ts';

/** `tracking.on_unavailable: defer`: a version is finished while MLflow is away, and logged when it is back. */

const server = process.env['MLFLOW_TRACKING_URI']!;
let project: Project;
let worker: RunningWorker;
let port: number;
let relay: Relay | undefined;
let connection: Connection;

beforeAll(async () => {
  port = await freePort();
  project = await makeProject('defer', { MLFLOW_TRACKING_URI: `http://127.0.0.1:${port}` });
  const params = readFileSync(join(project.folder, 'params.yaml'), 'utf8');
  project.write('params.yaml', params.replace('on_unavailable: retry', 'on_unavailable: defer'));
  worker = await startWorker(project);
  connection = await Connection.connect({ address: project.env['TEMPORAL_ADDRESS']! });
});
afterAll(async () => {
  await worker?.stop();
  relay?.close();
  await connection?.close();
  project?.remove();
});

async function run(): Promise<{ document: ResultDocument; stderr: string }> {
  const { code, stdout, stderr } = await project.client('run', '1', '--json');
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return { document: JSON.parse(stdout) as ResultDocument, stderr };
}

it('a version is finished while MLflow is away, and logged once when it is back', async () => {
  const { document, stderr } = await run();
  expect(stderr).toContain('does not answer');
  expect(document.mlflow).toBeNull();
  expect(document.metrics!['accuracy']).toBeGreaterThan(0.5);
  expect(document.warnings.join()).toContain('is logged when it is back');
  expect((await project.client('list')).stdout).toContain('not logged');
  expect((await project.client('status', '1')).stderr).toContain('the version is not logged');

  relay = await relayTo(server, { port });
  const client = new Client({ connection, namespace: project.env['TEMPORAL_NAMESPACE']! });
  const later = client.workflow.getHandle<typeof logVersion>('iris-log-1.1');
  const { mlflow, added } = await later.result();
  expect(added).toBe(true);

  const tracker = createMlflowTracker({ uri: server });
  const experiment = await tracker.ensureExperiment(project.env['MLFLOW_EXPERIMENT_NAME']!);
  const runs = await tracker.findRuns(experiment, { 'retrain.batch': '1' });
  expect(runs.map(({ runId, status }) => [runId, status])).toEqual([[mlflow.runId, 'FINISHED']]);
  expect((await project.client('status', '1')).stdout).toContain(mlflow.runId);
  const again = await run();
  expect(again.document.mlflow).toMatchObject({
    runId: mlflow.runId,
    modelVersion: mlflow.modelVersion,
  });
  expect(again.document.metrics).toEqual(document.metrics);
});
