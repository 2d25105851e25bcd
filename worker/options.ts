import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TASK_QUEUE } from '../contract/train-batch.ts';
import { BadParams, messageOf } from '../contract/failures.ts';
import { RETRAIN } from '../contract/command.ts';
import { describeExpected } from '../contract/wrong-value.ts';

/** `io` runs workflows and the stages that move bytes, `cpu` the stages that compute, `all` both. */
export const ROLES = ['all', 'io', 'cpu'] as const;

/** The settings of a worker process. */
export interface WorkerSettings {
  role: (typeof ROLES)[number];
  taskQueue: string;
  /** The task queue of the stages that compute. Undefined: they run on the main task queue. */
  cpuTaskQueue: string | undefined;
  /** Most activities at the same time on the task queue. */
  maxActivities: number;
  /** Most activities at the same time on the CPU queue. */
  maxCpuActivities: number;
  /** Number of computing threads. */
  threads: number;
  /** Workflows kept in memory. */
  maxCachedWorkflows: number;
  /** Seconds that running activities get to finish when the worker stops. */
  shutdownGrace: number;
  /** Seconds without a heartbeat after which another worker gets an activity of a run pinned here; undefined: the default. */
  heartbeatTimeout: number | undefined;
  /** For Worker Deployment Versioning: a run stays on the build on which it started. */
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
  // Workers send a heartbeat each second, and a busy machine delays some.
  'heartbeat-timeout': z.coerce.number().int().min(5).max(3600).optional(),
  'deployment-name': name.optional(),
  'build-id': name.optional(),
});

/** All flags. Each also has a variable: RETRAIN_TASK_QUEUE for `--task-queue`. */
const FLAGS = Object.keys(schema.shape) as (keyof typeof schema.shape)[];

/** The output of `worker --help`. */
export const WORKER_HELP = `Usage: worker [flags]

Each flag also has an environment variable, such as RETRAIN_TASK_QUEUE for
--task-queue. Defaults are in parentheses.

  --role all|io|cpu           io: workflows and I/O; cpu: the stages that
                              compute; all: both (all)
  --task-queue NAME           the task queue (${TASK_QUEUE})
  --cpu-task-queue NAME       the queue of the stages that compute (role all:
                              the task queue; others: <task queue>-cpu)
  --max-activities N          maximum number of activities on the task queue
                              (10 for each core)
  --max-cpu-activities N      maximum number of activities on the CPU queue
                              (2 for each core)
  --threads N                 maximum number of stages that compute at the same
                              time: short ones, and as many long fits (one for
                              each core)
  --max-cached-workflows N    workflows kept in memory (200)
  --shutdown-grace SECONDS    time for running activities to finish when it
                              stops (20)
  --heartbeat-timeout SECONDS time without a heartbeat after which another
                              worker gets an activity (30)
  --deployment-name NAME      makes this a versioned worker: runs stay on their
                              worker version
  --build-id ID               the build ID, which names the worker version (the
                              git commit)
                              (Temporal's Worker Controller sets both by
                              TEMPORAL_DEPLOYMENT_NAME and
                              TEMPORAL_WORKER_BUILD_ID)

Examples:
  ${RETRAIN} worker
  ${RETRAIN} worker --role cpu --threads 8
`;

/**
 * Reads a worker's settings from its flags and, for flags that are not given, from RETRAIN_* variables.
 * @param commit the git commit, if it is known
 * @throws BadParams that names the flag
 */
export function workerSettings(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  commit: string | undefined,
): WorkerSettings {
  const given = { ...readController(env), ...readVariables(env), ...readFlags(args) };
  const read = schema.safeParse(given, { error: describeExpected });
  if (!read.success) {
    const [issue] = read.error.issues;
    const flag = String(issue?.path[0] ?? '');
    const value = (given as Record<string, unknown>)[flag];
    throw new BadParams(
      `--${flag} (or ${nameVariable(flag)}) is ${JSON.stringify(value)}: ${issue?.message}`,
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
    heartbeatTimeout: settings['heartbeat-timeout'],
    deployment: chooseDeployment(settings['deployment-name'], settings['build-id'], commit),
  };
}

function chooseDeployment(
  deployment: string | undefined,
  build: string | undefined,
  commit: string | undefined,
): WorkerSettings['deployment'] {
  if (deployment === undefined && build === undefined) return undefined;
  const buildId = build ?? commit;
  if (buildId === undefined)
    throw new BadParams(
      'a versioned worker needs a build id, and this is not a git checkout: give --build-id or set GIT_COMMIT',
    );
  return { name: deployment ?? DEPLOYMENT, buildId };
}

function readFlags(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(FLAGS.map((flag) => [flag, { type: 'string' as const }]));
  try {
    return { ...parseArgs({ args: joinNumbers(args), options, strict: true }).values };
  } catch (error) {
    throw new BadParams(`${messageOf(error).split(/\.\s/)[0]}: see "${RETRAIN} worker --help"`, {
      cause: error,
    });
  }
}

/** Joins a negative number to its flag, because it looks like another flag: `--threads=-1`. */
function joinNumbers(args: readonly string[]): string[] {
  return args.reduce<string[]>((joined, arg) => {
    const flag = joined.at(-1);
    if (!/^-\d/.test(arg) || !FLAGS.some((one) => flag === `--${one}`)) return [...joined, arg];
    return [...joined.slice(0, -1), `${flag}=${arg}`];
  }, []);
}

function readVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    FLAGS.flatMap((flag) => {
      const value = env[nameVariable(flag)];
      return value === undefined || value === '' ? [] : [[flag, value]];
    }),
  );
}

/** The variables that Temporal's Worker Controller for Kubernetes sets. Our own win over them. */
function readController(env: NodeJS.ProcessEnv): Record<string, string> {
  const { TEMPORAL_DEPLOYMENT_NAME: deployment, TEMPORAL_WORKER_BUILD_ID: build } = env;
  return {
    ...(deployment ? { 'deployment-name': deployment } : {}),
    ...(build ? { 'build-id': build } : {}),
  };
}

function nameVariable(flag: string): string {
  return `RETRAIN_${flag.toUpperCase().replaceAll('-', '_')}`;
}
