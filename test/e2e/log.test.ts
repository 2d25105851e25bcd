import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import { withProject } from '../support/with-project.ts';

/** `log`: versions logged again to a server that lost them and to a directory, from their records. */

interface Logged {
  trackingUri: string;
  versions: {
    version: number;
    added: boolean;
    url: string;
    mlflow: { runId: string; modelVersion: string };
  }[];
}

const documents: ResultDocument[] = [];

const project = withProject('log');

beforeAll(async () => {
  for (const batch of ['1', '2']) documents.push(await project.json<ResultDocument>('run', batch));
});

async function log(...args: string[]): Promise<Logged> {
  const { code, stdout, stderr } = await project.client('log', ...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Logged;
}

const runsAt = async (uri: string) => {
  const tracker = uri.startsWith('http')
    ? createMlflowTracker({ uri })
    : createFilesTracker({ path: uri });
  const experiment = await tracker.ensureExperiment(project.env['MLFLOW_EXPERIMENT_NAME']!);
  const runs = await tracker.findRuns(experiment, { 'retrain.pipeline': 'iris' });
  return runs.map(({ name, runId, status }) => ({ name, runId, status }));
};

describe('log', () => {
  it('leaves alone what is logged, and makes again what the server has lost', async () => {
    const server = project.env['MLFLOW_TRACKING_URI']!;
    expect((await log('1')).versions[0]).toMatchObject({ added: false });
    const lost = documents[0]!.mlflow!.runId;
    await createMlflowTracker({ uri: server }).deleteRun(lost);
    const [again] = (await log('1')).versions;
    expect(again).toMatchObject({ version: 1, added: true });
    expect(again!.mlflow.runId).not.toBe(lost);
    expect(await runsAt(server)).toHaveLength(2);
    expect((await log('1')).versions[0]).toMatchObject({ added: false, mlflow: again!.mlflow });
    expect((await project.client('status', '1')).stdout).toContain(again!.url);
    const list = JSON.parse((await project.client('list', '--json')).stdout) as {
      versions: { runId: string }[];
    };
    expect(list.versions[0]!.runId).toBe(again!.mlflow.runId);
  });

  it('restores the alias of the champion after the server has lost everything', async () => {
    const server = project.env['MLFLOW_TRACKING_URI']!;
    const tracker = createMlflowTracker({ uri: server });
    const { champion } = (await project.store.champions.read('iris'))!;
    const name = project.model;
    for (const { runId } of await runsAt(server)) await tracker.deleteRun(runId);
    await fetch(`${server}/api/2.0/mlflow/registered-models/delete`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    expect(await tracker.getAlias({ name, alias: 'champion' })).toBeNull();
    const { versions } = await log('--all');
    const { mlflow } = versions.find(({ version }) => version === champion!.version)!;
    expect(await tracker.getAlias({ name, alias: 'champion' })).toBe(mlflow.modelVersion);
  });

  it('logs every version to a directory, once however often', async () => {
    await project.workers[0]!.stop();
    project.env['MLFLOW_TRACKING_URI'] = './mlruns';
    await project.startWorker();
    const first = await log('--all');
    expect(first.versions.map(({ version, added }) => [version, added])).toEqual([
      [1, true],
      [2, true],
    ]);
    const runs = await runsAt(join(project.folder, 'mlruns'));
    expect(runs).toEqual([
      expect.objectContaining({ name: 'iris-v1', status: 'FINISHED' }),
      expect.objectContaining({ name: 'iris-v2', status: 'FINISHED' }),
    ]);
    expect((await log('--all')).versions.map(({ added }) => added)).toEqual([false, false]);
    expect(await runsAt(join(project.folder, 'mlruns'))).toEqual(runs);
  });

  it('says of a server that is down where it is, how to start and how to look at it, and the way without', async () => {
    project.env['MLFLOW_TRACKING_URI'] = 'http://127.0.0.1:9';
    const { code, stderr } = await project.client('log', '1');
    expect(code).toBe(3);
    for (const words of [
      'http://127.0.0.1:9',
      'stack up',
      'curl http://127.0.0.1:9/health',
      './mlruns',
    ])
      expect(stderr).toContain(words);
  });

  it('wants a version or --all', async () => {
    expect((await project.client('log')).code).toBe(2);
  });
});
