import { cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findWorkFolders } from '../../config/project-root.ts';
import { newOwnFolder } from '../../store/own-folder.ts';
import type { ResultDocument } from '../../client/result.ts';
import { startWorker, type RunningWorker } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** One run's stages spread over two workers that share servers but no folder. */

const COMPUTE = ['preprocess', 'train', 'evaluate', 'gate'];
let elsewhere: string;
let cpu: RunningWorker;
/** What this process, which lives, has in the scratch folder of the second worker. */
let living: string;

const project = withProject('two', {
  prepare: async ({ folder }) => {
    elsewhere = mkdtempSync(join(tmpdir(), 'retrain elsewhere '));
    cpSync(join(folder, 'params.yaml'), join(elsewhere, 'params.yaml'));
    const { scratch } = findWorkFolders(elsewhere, {});
    const dead = await newOwnFolder(scratch, 'scratch');
    renameSync(dead, join(dirname(dead), basename(dead).replace(/\w{8}(-\w{6})$/, '00000000$1')));
    living = await newOwnFolder(scratch, 'scratch');
  },
  workers: [['--role', 'io']],
});
const { temporal, workers } = project;

beforeAll(async () => {
  const env = { ...project.env, RETRAIN_ROOT: elsewhere };
  const flags = ['--role', 'cpu', '--max-cpu-activities', '1'];
  cpu = await startWorker({ folder: elsewhere, env }, ...flags);
});

afterAll(async () => {
  await cpu?.stop();
  rmSync(elsewhere, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<ResultDocument> {
  const { code, stdout, stderr } = await project.client('run', '1', '--json', ...args);
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  return JSON.parse(stdout) as ResultDocument;
}

/** Which process ran each stage, by the history. */
async function workersOf({ workflowId, runId }: ResultDocument): Promise<Record<string, string>> {
  const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  const stages = new Map<string, string>();
  for (const { eventId, activityTaskScheduledEventAttributes: begun } of events ?? [])
    if (begun?.activityType?.name != null) stages.set(String(eventId), begun.activityType.name);
  const ran: Record<string, string> = {};
  for (const { activityTaskStartedEventAttributes: started } of events ?? []) {
    const stage = stages.get(String(started?.scheduledEventId));
    if (stage !== undefined) ran[stage] = started!.identity!.split('@')[0]!;
  }
  return ran;
}

it('a worker removes at its start what a killed one left, and nothing of one that lives', async () => {
  // It sweeps while it polls already.
  await expect.poll(() => cpu.log()).toContain('removed temporary files of killed processes');
  expect(readdirSync(findWorkFolders(elsewhere, {}).scratch)).toEqual([basename(living)]);
});

describe('two workers with no shared disk', () => {
  it('share the stages of a run by the queues they poll', async () => {
    const document = await run();
    const ran = await workersOf(document);
    for (const [stage, pid] of Object.entries(ran))
      expect([stage, pid]).toEqual([
        stage,
        String((COMPUTE.includes(stage) ? cpu : workers[0]!).pid),
      ]);
    expect(Object.keys(ran)).toEqual(expect.arrayContaining(['get_data', ...COMPUTE]));
  });

  it('make what one alone makes', async () => {
    const both = await run('--force');
    await Promise.all([workers[0]!.stop(), cpu.stop()]);
    const alone = await project.startWorker();
    const one = await run('--force');
    await alone.stop();
    const made = ({ stages }: ResultDocument): unknown => stages.map(({ outputs }) => outputs);
    expect(made(one)).toEqual(made(both));
    expect(one.metrics).toEqual(both.metrics);
  });
});
