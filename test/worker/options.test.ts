import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { workerSettings } from '../../worker/options.ts';

const settings = (args: string[], env = {}, commit?: string) => workerSettings(args, env, commit);

describe("a worker's settings", () => {
  it('are one queue for everything and no versioning by default', () => {
    expect(settings([], {}, 'abc')).toEqual({
      role: 'all',
      taskQueue: 'incremental-training',
      cpuTaskQueue: undefined,
      maxActivities: 10 * availableParallelism(),
      maxCpuActivities: 2 * availableParallelism(),
      threads: availableParallelism(),
      maxCachedWorkflows: 200,
      shutdownGrace: 20,
      heartbeatTimeout: undefined,
      deployment: undefined,
    });
  });

  it('come from flags, which win over variables', () => {
    const env = {
      RETRAIN_TASK_QUEUE: 'night',
      RETRAIN_THREADS: '3',
      RETRAIN_HEARTBEAT_TIMEOUT: '120',
    };
    expect(settings([], env)).toMatchObject({
      taskQueue: 'night',
      threads: 3,
      heartbeatTimeout: 120,
    });
    expect(settings(['--task-queue', 'day'], env)).toMatchObject({ taskQueue: 'day', threads: 3 });
  });

  it.each(['io', 'cpu'])('with role %s name a CPU queue after the task queue', (role) => {
    expect(settings(['--role', role, '--task-queue', 'q'])).toMatchObject({
      cpuTaskQueue: 'q-cpu',
    });
    expect(settings(['--role', role, '--cpu-task-queue', 'big'])).toMatchObject({
      cpuTaskQueue: 'big',
    });
  });

  it('version the worker by the git commit, or by the given build', () => {
    const named = settings(['--deployment-name', 'prod'], {}, 'abc');
    expect(named.deployment).toEqual({ name: 'prod', buildId: 'abc' });
    const built = settings([], { RETRAIN_BUILD_ID: '1.2' }, 'abc');
    expect(built.deployment).toEqual({ name: 'incremental-training', buildId: '1.2' });
    expect(() => settings(['--deployment-name', 'prod'])).toThrow(/--build-id or set GIT_COMMIT/);
  });

  it("take the version from Temporal's Worker Controller, and our own variables win over its", () => {
    const env = {
      TEMPORAL_DEPLOYMENT_NAME: 'retrain/worker',
      TEMPORAL_WORKER_BUILD_ID: 'v2-5f3a',
    };
    expect(settings([], env).deployment).toEqual({ name: 'retrain/worker', buildId: 'v2-5f3a' });
    const own = { ...env, RETRAIN_BUILD_ID: 'mine' };
    expect(settings([], own).deployment).toEqual({ name: 'retrain/worker', buildId: 'mine' });
  });

  it.each([
    [['--role', 'both'], /^--role \(or RETRAIN_ROLE\) is "both"/],
    [['--threads', '0'], /^--threads \(or RETRAIN_THREADS\) is "0"/],
    [['--threads', 'two'], /^--threads/],
    [['--threads', '-1'], /^--threads \(or RETRAIN_THREADS\) is "-1": expected at least 1$/],
    [['--role', '--threads', '2'], /'--role' argument is ambiguous: see ".* worker --help"$/],
    [['--task-queue', 'a b'], /^--task-queue/],
    [['--shutdown-grace', 'soon'], /^--shutdown-grace/],
    [['--heartbeat-timeout', '4'], /^--heartbeat-timeout \(or RETRAIN_HEARTBEAT_TIMEOUT\) is "4"/],
    [['--slots', '3'], /--slots.*worker --help/],
    [['extra'], /extra.*worker --help/],
  ])('name the flag that cannot be used: %j', (args, sentence) => {
    expect(() => settings(args)).toThrow(sentence);
  });
});
