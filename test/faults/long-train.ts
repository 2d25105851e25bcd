import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Progress } from '../../contract/execution.ts';
import { findEntry } from '../../contract/stages.ts';
import type { RunSummary, TrainBatchInput } from '../../contract/train-batch.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import type { FoundRun } from '../../tracking/tracker.ts';
import { makeProject, type Project, unique } from '../support/project.ts';
import { slowCsv, slowParams } from '../support/slow.ts';

/** A pipeline on which training takes long, on the test stack. */
export interface LongTrain {
  project: Project;
  pipeline: string;
  workflowId: string;
  start: (input?: Partial<TrainBatchInput>) => Promise<WorkflowHandle>;
  result: (handle: WorkflowHandle) => Promise<RunSummary>;
  /** Paths and hashes of what each stage of a version's build made, without what is only about the build. */
  made: (run: RunSummary) => Promise<string[]>;
  /** Waits until the tree grows in some try of training, and says how far it is and in which process. */
  training: (handle: WorkflowHandle, attempt?: number) => Promise<Training>;
  /** The MLflow runs there are. */
  runs: () => Promise<FoundRun[]>;
}

export interface Training {
  pid: number;
  progress: Progress;
}

const { PENDING_ACTIVITY_STATE_STARTED: STARTED } =
  proto.temporal.api.enums.v1.PendingActivityState;

/** From here on the columns are sorted and the tree grows. */
const GROWING = 0.445;

/** Enough for some five seconds; RETRAIN_SLOW_COLUMNS=100 for half a minute and more. */
const SIZE = { rows: 40_000, columns: Number(process.env['RETRAIN_SLOW_COLUMNS'] ?? 16) };

/**
 * @param name of the project and the pipeline; MLflow's registry is everybody's, so it is made unique
 * @param env laid over the workers' own
 */
export async function openLongTrain(
  name: string,
  env: Record<string, string> = {},
): Promise<LongTrain> {
  const project = await makeProject(name, { RETRAIN_TRAIN_THREADS: '1', ...env });
  project.write('slow.csv', slowCsv(SIZE));
  const pipeline = unique(name);
  const workflowId = `${pipeline}-batch-1`;
  const tracker = createMlflowTracker({ uri: project.env['MLFLOW_TRACKING_URI']! });
  return {
    project,
    pipeline,
    workflowId,
    start: (input = {}) =>
      project.temporal.workflow.start('trainBatch', {
        workflowId,
        taskQueue: 'incremental-training',
        args: [
          {
            batch: 1,
            pipeline,
            publish: true,
            params: slowParams('slow.csv', SIZE.rows),
            ...input,
          },
        ],
      }),
    result: async (handle) => (await handle.result()) as RunSummary,
    made: async ({ version }) => {
      const record = await project.store.records.read(pipeline, 1, version!.seq);
      return record!.stages.flatMap(({ stage, outputs }) =>
        findEntry(stage)?.aboutBuild === true
          ? []
          : Object.values(outputs).map(({ path, sha256 }) => `${path} ${sha256}`),
      );
    },
    training: (handle, attempt = 1) => training(handle, attempt),
    runs: async () => {
      const experiment = await tracker.ensureExperiment(
        `${project.env['MLFLOW_EXPERIMENT_NAME']}-${pipeline}`,
      );
      return tracker.findRuns(experiment, { 'retrain.pipeline': pipeline });
    },
  };
}

async function training(handle: WorkflowHandle, attempt: number): Promise<Training> {
  for (;;) {
    const { raw, status } = await handle.describe();
    const found = raw.pendingActivities?.find(({ activityType: type }) => type?.name === 'train');
    const text = Buffer.from(found?.heartbeatDetails?.payloads?.[0]?.data ?? []).toString();
    const progress = text === '' ? undefined : (JSON.parse(text) as Progress);
    const begun = millis(found?.lastStartedTime);
    // The progress of the attempt before stays until this one reports some.
    const fresh = found?.state === STARTED && millis(found.lastHeartbeatTime) > begun;
    if (
      fresh &&
      found.attempt === attempt &&
      progress !== undefined &&
      progress.fraction >= GROWING
    )
      return {
        pid: Number(found.lastWorkerIdentity!.split('@')[0]),
        progress,
      };
    if (status.name !== 'RUNNING') throw new Error(`it is ${status.name}, and does not train`);
    await sleep(50);
  }
}

function millis(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}
