import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, ROOT, startWorker, type RunningWorker } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';
import { buildProgram } from '../support/stack.ts';
import { openProxy } from '../support/proxy.ts';
import { reaches } from '../replay/scenarios.ts';

/**
 * Two builds of the worker, of different workflow code, side by side, as docs/durability.md has them: runs stay
 * where they began.
 */

const run = promisify(execFile);
const DEPLOYMENT = 'retraining';
const program = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'temporal');
/** What a folder of the project holds that a build does not need. */
const NO_CODE = /^(\.|node_modules$|dist$|test$|bench$|docs$)/;

/** How long the workflow of the later build waits first. */
const WAIT_MS = 10;

let code: string;
let server: ChildProcess;
let workers: { a: RunningWorker; b: RunningWorker };
let open: WorkflowHandle;

const port = await freePort();
const address = `127.0.0.1:${port}`;
process.env['TEMPORAL_ADDRESS'] = address;
const mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
beforeAll(async () => {
  server = await startTemporal();
  code = otherCode();
});
afterAll(() => {
  mlflow.close();
  server?.kill();
  rmSync(code, { recursive: true, force: true });
});

const project = withProject('versioned', {
  env: { MLFLOW_TRACKING_URI: mlflow.uri },
  workers: [],
});
const { temporal: client } = project;

afterAll(() => Promise.all([workers?.a?.stop(), workers?.b?.stop()]));

/** A dev server that looks every second what has drained, where others take minutes. */
async function startTemporal(): Promise<ChildProcess> {
  const settings = [
    'matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"',
    'matching.wv.VersionDrainageStatusRefreshInterval="1s"',
  ].map((setting) => `--dynamic-config-value=${setting}`);
  const child = spawn(
    program,
    ['server', 'start-dev', '--headless', `--port=${port}`, ...settings],
    { stdio: 'ignore' },
  );
  for (;;) {
    const answer = await run(program, [
      'operator',
      'cluster',
      'health',
      '--address',
      address,
    ]).catch(() => undefined);
    if (answer?.stdout.includes('SERVING') === true) break;
    if (child.exitCode !== null) throw new Error('the Temporal server did not start');
    await sleep(200);
  }
  return child;
}

/** A later build's code: its workflow waits for a moment first, so no history of the other replays on it. */
function otherCode(): string {
  const folder = mkdtempSync(join(tmpdir(), 'retrain build '));
  const { length } = ROOT;
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) => path.length <= length || !NO_CODE.test(path.slice(length).split('/')[0]!),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'workflows', 'trainBatch.ts');
  const text = readFileSync(file, 'utf8');
  const changed = text
    .replace('import {\n  allHandlersFinished,', 'import {\n  sleep,\n  allHandlersFinished,')
    .replace(
      '    run = await pinned;\n',
      `    run = await pinned;\n    await sleep(${WAIT_MS});\n`,
    );
  expect(changed).toMatch(/import \{\n  sleep,[^]+await sleep\(10\);/);
  writeFileSync(file, changed);
  buildProgram(folder);
  return folder;
}

/** The command as a person types it; the address and the namespace are in the environment. */
async function temporal(...args: string[]): Promise<string> {
  const command = ['worker', 'deployment', ...args, '--deployment-name', DEPLOYMENT];
  return (await run(program, command, { env: project.env })).stdout;
}

/** A version is known once its worker has polled for a moment. */
async function once(...args: string[]): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await temporal(...args, '--yes');
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

const worker = (buildId: string, from = ROOT): Promise<RunningWorker> =>
  startWorker(
    { folder: project.folder, env: project.env, code: from },
    '--deployment-name',
    DEPLOYMENT,
    '--build-id',
    buildId,
  );

const start = (batch: number, pipeline = 'iris'): Promise<WorkflowHandle> =>
  client.workflow.start('trainBatch', {
    workflowId: `${pipeline}-batch-${batch}`,
    taskQueue: 'incremental-training',
    args: [{ batch, pipeline }],
  });

/** The processes that did anything of a run, and whether it was run by the code that waits first. */
async function ranOn(handle: WorkflowHandle): Promise<{ pids: number[]; waited: boolean }> {
  const { events } = await handle.fetchHistory();
  const identities = events!.flatMap((event) => [
    event.workflowTaskCompletedEventAttributes?.identity ?? [],
    event.activityTaskStartedEventAttributes?.identity ?? [],
  ]);
  const pids = [...new Set(identities.flat().map((identity) => Number(identity.split('@')[0])))];
  const waited = events!.some(
    ({ timerStartedEventAttributes: timer }) => timer?.startToFireTimeout?.nanos === WAIT_MS * 1e6,
  );
  return { pids, waited };
}

describe('two builds side by side', () => {
  it('give no run to one that is not current', async () => {
    const [a, b] = await Promise.all([worker('a'), worker('b', code)]);
    workers = { a, b };
    await once('set-current-version', '--build-id', 'a');
    mlflow.poison('unavailable'); // training is begun, and does not end
    open = await start(1);
    await reaches(open, 'train');
    expect(await ranOn(open)).toEqual({ pids: [a.pid], waited: false });
  });

  it('give new runs to one that is ramped up, as many in a hundred as is said', async () => {
    await once('set-ramping-version', '--build-id', 'b', '--percentage', '100');
    const ramped = await start(2);
    await reaches(ramped, 'train');
    await once('set-ramping-version', '--build-id', 'b', '--percentage', '0');
    const other = await start(1, 'other');
    await reaches(other, 'train');
    mlflow.poison(undefined);
    expect(await ramped.result()).toMatchObject({ version: { version: 2 } });
    await other.result();
    expect(await ranOn(ramped)).toEqual({ pids: [workers.b.pid], waited: true });
    expect(await ranOn(other)).toEqual({ pids: [workers.a.pid], waited: false });
    expect(await open.result()).toMatchObject({ version: { version: 1 } });
    expect(await ranOn(open)).toEqual({ pids: [workers.a.pid], waited: false });
  });

  it('leave a run on the build it began on while another is current, and say when that is drained', async () => {
    mlflow.poison('unavailable');
    open = await start(3);
    await reaches(open, 'train');
    await once('set-current-version', '--build-id', 'b');
    expect(await drainage('a')).toMatch(/^draining$/i);
    await workers.a.stop();
    await expect
      .poll(async () => (await project.client('status', '3')).stderr, { timeout: 150_000 })
      .toMatch(
        /no worker with build ID a of retraining, to which this run is pinned, has taken .+: start one/,
      );
    workers.a = await worker('a');
    mlflow.poison(undefined);
    expect(await open.result()).toMatchObject({ version: { version: 3 } });
    expect(await ranOn(open)).toMatchObject({ waited: false });
    await expect.poll(() => drainage('a'), { timeout: 120_000 }).toMatch(/^drained$/i);
    await workers.a.stop();
    const next = await start(1, 'next');
    expect(await next.result()).toMatchObject({ version: { version: 1 } });
    expect(await ranOn(next)).toEqual({ pids: [workers.b.pid], waited: true });
  });
});
