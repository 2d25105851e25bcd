import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import type { RunSummary } from '../../contract/train-batch.ts';
import { makeProject, type Project, succeed } from '../support/project.ts';

export interface RunId {
  workflowId: string;
  runId: string;
}

/** A pipeline that a nightly has brought up to date, on real servers, and its results. */
export interface Scene {
  project: Project;
  temporal: Client;
  /** The last batch. */
  last: number;
  night: RunId;
  /** Runs of the last batch: the night's, and one by hand of a shallower tree; one of a batch that is not there. */
  runs: Record<'nightly' | 'byHand' | 'failed', RunId>;
  /** The promotion that waits for approval. */
  waiting: RunId;
  built: RunSummary;
  shallow: RunSummary;
  /** A page of the project's namespace in Temporal's Web UI. */
  webUi: (path: string) => string;
  /** A page of MLflow. */
  mlflow: (path: string) => string;
  /** The MLflow run with the scores of all versions. */
  pipelineRun: string;
  /** The report of the last version's first build, as a file's URL. */
  report: string;
  close: () => Promise<void>;
}

/** The built-in data in batches of this many rows, run by a schedule that is triggered. */
export async function makeScene(
  name: string,
  batchSize: number,
  overrides: Record<string, string> = {},
): Promise<Scene> {
  const project = await makeProject(name, overrides);
  project.editParams({ 'batch_size: 50': `batch_size: ${batchSize}` });
  const client = async (...args: string[]) => succeed(project.client(...args));
  await client('search-attributes', 'register');
  await project.startWorker();
  const { temporal } = project;
  const runOf = async (workflowId: string): Promise<RunId> => {
    const { runId } = await temporal.workflow.getHandle(workflowId).describe();
    return { workflowId, runId };
  };

  await client('schedule', 'create', '--timezone', 'Europe/Berlin');
  const night = await runTonight(temporal, 'iris-nightly');
  const last = 150 / batchSize;
  const batch = temporal.workflow.getHandle(`iris-batch-${last}`);
  const nightly = await runOf(batch.workflowId);
  const built = (await batch.result()) as RunSummary;
  await client('run', String(last), '--publish', '--set', 'model.max_depth=2');
  const shallow = (await batch.result()) as RunSummary;
  const byHand = await runOf(batch.workflowId);
  const approval = ['--set', 'gate.rule=always', '--set', 'gate.approval=required'];
  await client('run', String(last), '--publish', '--set', 'model.max_depth=3', ...approval);
  // Our command line refuses this batch before it starts a run.
  const failing = await temporal.workflow.start('trainBatch', {
    workflowId: 'iris-batch-99',
    taskQueue: 'incremental-training',
    args: [{ batch: 99 }],
    staticSummary: 'iris · batch 99',
  });
  await failing.result().catch(() => undefined);
  const report = join(project.folder, 'report.html');
  await client('report', `${last}.1`, '--out', report);
  const web = `${project.env['TEMPORAL_UI_URL']}/namespaces/${temporal.options.namespace}`;
  return {
    project,
    temporal,
    last,
    night,
    runs: {
      nightly,
      byHand,
      failed: await runOf('iris-batch-99'),
    },
    waiting: await runOf('iris-promotion'),
    built,
    shallow,
    pipelineRun: await findParent(project, built.mlflow!.runId),
    webUi: (path) => `${web}${path}`,
    mlflow: (path) => `${project.env['MLFLOW_TRACKING_URI']}/#${path}`,
    report: pathToFileURL(report).href,
    close: () => project.close(),
  };
}

/** The run above a run in MLflow. */
async function findParent(project: Project, runId: string): Promise<string> {
  const server = project.env['MLFLOW_TRACKING_URI'];
  const answer = await fetch(`${server}/api/2.0/mlflow/runs/get?run_id=${runId}`);
  const { run } = (await answer.json()) as {
    run: { data: { tags: { key: string; value: string }[] } };
  };
  return run.data.tags.find(({ key }) => key === 'mlflow.parentRunId')!.value;
}

/** Triggers a schedule, and waits for the end of what it starts. */
async function runTonight({ schedule, workflow }: Client, scheduleId: string): Promise<RunId> {
  const handle = schedule.getHandle(scheduleId);
  await handle.trigger();
  for (;;) {
    const [started] = (await handle.describe()).info.recentActions;
    if (started === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    const { workflowId, firstExecutionRunId: runId } = started.action.workflow;
    await workflow.getHandle(workflowId).result();
    return { workflowId, runId };
  }
}
