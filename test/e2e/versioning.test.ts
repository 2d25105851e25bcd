import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeProject,
  startWorker,
  type Project,
  type RunningWorker,
  temporalOf,
} from '../support/project.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { reaches } from '../replay/scenarios.ts';

/** Two builds of the worker side by side, as docs/durability.md has them: runs stay where they began. */

const run = promisify(execFile);
const DEPLOYMENT = 'retraining';
let project: Project;
let mlflow: Proxy;
let client: Client;
let workers: { a: RunningWorker; b: RunningWorker };
let open: WorkflowHandle;

beforeAll(async () => {
  mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
  project = await makeProject('versioned', { MLFLOW_TRACKING_URI: mlflow.uri });
  client = await temporalOf(project);
});
afterAll(async () => {
  mlflow?.close();
  await Promise.all([workers?.a?.stop(), workers?.b?.stop()]);
  await client?.connection.close();
  project?.remove();
});

/** The command as a person types it; the address and the namespace are in the environment. */
async function temporal(...args: string[]): Promise<string> {
  const file = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'temporal');
  const command = ['worker', 'deployment', ...args, '--deployment-name', DEPLOYMENT];
  return (await run(file, command, { env: project.env })).stdout;
}

/** A version is known once its worker has polled for a moment. */
async function makeCurrent(buildId: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await temporal('set-current-version', '--build-id', buildId, '--yes');
      return;
    } catch (error) {
      if (tries === 60) throw error;
      await sleep(500);
    }
  }
}

async function drainage(buildId: string): Promise<string> {
  const text = await temporal('describe-version', '--build-id', buildId, '--output', 'json');
  return (JSON.parse(text) as { drainageInfo?: { drainageStatus?: string } }).drainageInfo
    ?.drainageStatus as string;
}

const worker = (buildId: string): Promise<RunningWorker> =>
  startWorker(project, '--deployment-name', DEPLOYMENT, '--build-id', buildId);

const start = (batch: number): Promise<WorkflowHandle> =>
  client.workflow.start('trainBatch', {
    workflowId: `iris-batch-${batch}`,
    taskQueue: 'incremental-training',
    args: [{ batch }],
  });

/** The processes that did anything of a run. */
async function pidsOf(handle: WorkflowHandle): Promise<number[]> {
  const { events } = await handle.fetchHistory();
  const identities = events!.flatMap((event) => [
    event.workflowTaskCompletedEventAttributes?.identity ?? [],
    event.activityTaskStartedEventAttributes?.identity ?? [],
  ]);
  return [...new Set(identities.flat().map((identity) => Number(identity.split('@')[0])))];
}

describe('two builds side by side', () => {
  it('give no run to one that is not current', async () => {
    workers = { a: await worker('a'), b: await worker('b') };
    await makeCurrent('a');
    mlflow.poison('unavailable'); // training is begun, and does not end
    open = await start(1);
    await reaches(open, 'train', 2);
    expect(await pidsOf(open)).toEqual([workers.a.pid]);
  });

  it('leave a run on the build it began on while another is current for new ones', async () => {
    await makeCurrent('b');
    expect(await drainage('a')).toMatch(/^draining$/i);
    const next = await start(2);
    await reaches(next, 'train');
    mlflow.poison(undefined);
    expect(await next.result()).toMatchObject({ version: { version: 2 } });
    expect(await open.result()).toMatchObject({ version: { version: 1 } });
    expect(await pidsOf(next)).toEqual([workers.b.pid]);
    expect(await pidsOf(open)).toEqual([workers.a.pid]);
  });
});
