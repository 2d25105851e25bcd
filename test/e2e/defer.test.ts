import type { IncomingMessage } from 'node:http';
import { afterAll, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import type { LoggedVersion } from '../../contract/versions.ts';
import type { FoundRun } from '../../tracking/tracker.ts';
import type { logVersion } from '../../workflows/index.ts';
import { freePort } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';
import { relayTo, type Relay } from '../tracking/relay.ts';

/** `tracking.on_unavailable: defer`: a version is finished while MLflow is away, and logged when it is back. */

const server = process.env['MLFLOW_TRACKING_URI']!;
let relay: Relay | undefined;
/** Whether MLflow is away for a request that comes through the relay. */
let away = (_: IncomingMessage): boolean => false;

const port = await freePort();
const project = withProject('defer', {
  env: { MLFLOW_TRACKING_URI: `http://127.0.0.1:${port}` },
  prepare: ({ editParams }) => editParams({ 'on_unavailable: retry': 'on_unavailable: defer' }),
});
const { temporal: client } = project;

afterAll(() => relay?.close());

async function run(
  batch = 1,
  ...flags: string[]
): Promise<{ document: ResultDocument; stderr: string }> {
  const ran = await project.client('run', String(batch), '--json', ...flags);
  const { code, stdout, stderr } = ran;
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return { document: JSON.parse(stdout) as ResultDocument, stderr };
}

/** The MLflow runs of a batch. */
async function runsOf(batch: number): Promise<FoundRun[]> {
  const tracker = createMlflowTracker({ uri: server });
  const experiment = await tracker.ensureExperiment(project.env['MLFLOW_EXPERIMENT_NAME']!);
  return tracker.findRuns(experiment, { 'retrain.batch': String(batch) });
}

/**
 * What the workflows answer that wait for MLflow: one to log a build, one to point the alias of the champion at it.
 * The first that finds MLflow there logs the build.
 */
async function logsOf(build: string): Promise<LoggedVersion[]> {
  const ids = ['log', 'champion'].map((what) => `iris-${what}-${build}`);
  return Promise.all(
    ids.map(async (id) => client.workflow.getHandle<typeof logVersion>(id).result()),
  );
}

it('a version is finished while MLflow is away, and logged once when it is back', async () => {
  const { document, stderr } = await run();
  expect(stderr).toContain('does not answer');
  expect(document.mlflow).toBeNull();
  expect(document.metrics!['accuracy']).toBeGreaterThan(0.5);
  expect(document.warnings.join()).toContain('is logged when it is back');
  expect((await project.client('list')).stdout).toContain('not logged');
  const waiting = await project.client('status', '1');
  expect(waiting.stderr).toContain('the version is not logged');
  expect(waiting.stdout).toMatch(/logging +iris-log-1\.1, attempt \d+/);

  relay = await relayTo(server, { port, fails: (incoming) => away(incoming) });
  const logs = await logsOf('1.1');
  expect(logs.map(({ added }) => added)).toContain(true);
  const { mlflow } = logs[0]!;
  expect(logs[1]!.mlflow).toEqual(mlflow);

  const runs = await runsOf(1);
  expect(runs.map(({ runId, status }) => [runId, status])).toEqual([[mlflow.runId, 'FINISHED']]);
  expect((await project.client('status', '1')).stdout).toContain(mlflow.runId);
  const again = await run();
  expect(again.document.mlflow).toMatchObject({
    runId: mlflow.runId,
    modelVersion: mlflow.modelVersion,
  });
  expect(again.document.metrics).toEqual(document.metrics);
});

it('MLflow that goes away between training and evaluation is caught up with, in the run that is there', async () => {
  let [inputs, gone] = [0, false];
  away = ({ url }) => {
    // Training logs its inputs once; what comes a second time are those of evaluation.
    if (url?.includes('runs/log-inputs') === true && ++inputs === 2) gone = true;
    return gone;
  };
  const { document } = await run(2);
  expect(document.mlflow).toBeNull();
  expect(document.metrics!['accuracy']).toBeGreaterThan(0.5);
  const [open] = await runsOf(2);
  expect(open).toMatchObject({ status: 'RUNNING' });

  away = () => false;
  const logs = await logsOf('2.1');
  expect(logs.map(({ added }) => added)).toContain(true);
  expect(logs.map(({ mlflow }) => mlflow.runId)).toEqual([open!.runId, open!.runId]);
  const runs = await runsOf(2);
  expect(runs.map(({ runId, status }) => [runId, status])).toEqual([[open!.runId, 'FINISHED']]);
  expect((await run(2)).document.mlflow).toMatchObject({ runId: open!.runId });
});

it('two builds of a version made meanwhile are both logged, and the alias is that of the latest', async () => {
  away = () => true;
  const first = await run(3);
  const second = await run(3, '--publish', '--set', 'model.max_depth=1');
  expect([first.document.mlflow, second.document.mlflow]).toEqual([null, null]);
  away = () => false;
  const logs = [1, 2].map((seq) =>
    client.workflow.getHandle<typeof logVersion>(`iris-log-3.${seq}`).result(),
  );
  const [one, two] = await Promise.all(logs);
  expect([one!.seq, two!.seq]).toEqual([1, 2]);
  const ended = (await runsOf(3)).map(({ runId, status }) => `${runId} ${status}`);
  expect(ended.toSorted()).toEqual(
    [one!, two!].map(({ mlflow }) => `${mlflow.runId} FINISHED`).toSorted(),
  );
  const at = new URL('/api/2.0/mlflow/registered-models/alias', server);
  at.search = String(new URLSearchParams({ name: two!.mlflow.modelName, alias: 'batch-3' }));
  const { model_version } = (await (await fetch(at)).json()) as { model_version: object };
  expect(model_version).toMatchObject({ version: two!.mlflow.modelVersion });
});
