import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TASK_QUEUE } from '../contract/train-batch.ts';
import { BadParams, messageOf } from '../contract/failures.ts';

/** `io` hosts workflows and the stages that move bytes, `cpu` the stages that compute, `all` both. */
export const ROLES = ['all', 'io', 'cpu'] as const;

/** What a worker process takes on. */
export interface WorkerSettings {
  role: (typeof ROLES)[number];
  taskQueue: string;
  /** Where stages that compute run; undefined: on the task queue, as everything else. */
  cpuTaskQueue: string | undefined;
  /** Activities at once on the task queue. */
  maxActivities: number;
  /** Activities at once on the CPU queue. */
  maxCpuActivities: number;
  /** Threads that compute. */
  threads: number;
  /** Workflows kept in memory. */
  maxCachedWorkflows: number;
  /** Seconds that activities in flight get to finish when the worker is told to stop. */
  shutdownGrace: number;
  /** Worker Deployment Versioning: runs stay on the build they began on. */
  deployment: { name: string; buildId: string } | undefined;
}

const DEPLOYMENT = 'incremental-training';

const name = z.string().regex(/^[\w.:/-]{1,200}$/, 'a name of letters, digits and ._:/- is needed');
const count = z.coerce.number().int().min(1).max(10_000);

const schema = z.strictObject({
  role: z.enum(ROLES).default('all'),
  'task-queue': name.default(TASK_QUEUE),
  'cpu-task-queue': name.optional(),
  'max-activities': count.default(10 * availableParallelism()),
  'max-cpu-activities': count.default(2 * availableParallelism()),
  threads: count.default(availableParallelism()),
  'max-cached-workflows': count.default(200),
  'shutdown-grace': z.coerce.number().min(0).max(3600).default(20),
  'deployment-name': name.optional(),
  'build-id': name.optional(),
});

/** Every flag; each has a variable too: `--task-queue` is RETRAIN_TASK_QUEUE. */
const FLAGS = Object.keys(schema.shape) as (keyof typeof schema.shape)[];

/** What `worker --help` says. */
export const WORKER_HELP = `Usage: worker [flags]; each flag has a variable, --task-queue is RETRAIN_TASK_QUEUE

  --role all|io|cpu           workflows and I/O, the stages that compute, or both (all)
  --task-queue NAME           ${TASK_QUEUE} unless named
  --cpu-task-queue NAME       where preprocess, train and evaluate run: with all the task queue itself,
                              with io and cpu <task queue>-cpu unless named
  --max-activities N          at once on the task queue (10 for each processor)
  --max-cpu-activities N      at once on the CPU queue (2 for each processor)
  --threads N                 that compute (one for each processor)
  --max-cached-workflows N    kept in memory (200)
  --shutdown-grace SECONDS    that activities get to finish when it is told to stop (20)
  --deployment-name NAME      version this worker: runs stay pinned to the build they began on
  --build-id ID               of that version (the git commit)

Examples:
  npm run client -- worker
  npm run client -- worker --role cpu --threads 8
`;

/**
 * A worker's settings from its flags, else from RETRAIN_* variables.
 * @param commit the git commit, where it is known
 * @throws BadParams naming the flag
 */
export function workerSettings(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  commit: string | undefined,
): WorkerSettings {
  const given = { ...fromEnv(env), ...fromArgs(args) };
  const read = schema.safeParse(given);
  if (!read.success) {
    const [issue] = read.error.issues;
    const flag = String(issue?.path[0] ?? '');
    const value = (given as Record<string, unknown>)[flag];
    throw new BadParams(
      `--${flag} (or ${variableOf(flag)}) is ${JSON.stringify(value)}: ${issue?.message}`,
    );
  }
  const settings = read.data;
  const { role, 'task-queue': taskQueue } = settings;
  return {
    role,
    taskQueue,
    cpuTaskQueue: settings['cpu-task-queue'] ?? (role === 'all' ? undefined : `${taskQueue}-cpu`),
    maxActivities: settings['max-activities'],
    maxCpuActivities: settings['max-cpu-activities'],
    threads: settings.threads,
    maxCachedWorkflows: settings['max-cached-workflows'],
    shutdownGrace: settings['shutdown-grace'],
    deployment: deploymentOf(settings['deployment-name'], settings['build-id'], commit),
  };
}

function deploymentOf(
  deployment: string | undefined,
  build: string | undefined,
  commit: string | undefined,
): WorkerSettings['deployment'] {
  if (deployment === undefined && build === undefined) return undefined;
  const buildId = build ?? commit;
  if (buildId === undefined)
    throw new BadParams(
      'a versioned worker needs a build id, and this is no git checkout: give it --build-id or GIT_COMMIT',
    );
  return { name: deployment ?? DEPLOYMENT, buildId };
}

function fromArgs(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(FLAGS.map((flag) => [flag, { type: 'string' as const }]));
  try {
    return { ...parseArgs({ args: [...args], options, strict: true }).values };
  } catch (error) {
    throw new BadParams(`${messageOf(error).split('. ')[0]}: see "worker --help"`, {
      cause: error,
    });
  }
}

function fromEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    FLAGS.flatMap((flag) => {
      const value = env[variableOf(flag)];
      return value === undefined || value === '' ? [] : [[flag, value]];
    }),
  );
}

function variableOf(flag: string): string {
  return `RETRAIN_${flag.toUpperCase().replaceAll('-', '_')}`;
}
