import { afterAll, beforeAll, expect } from 'vitest';
import type { Ref } from '../../contract/ref.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { planProject, succeed, type Project, type Ran } from './project.ts';

/** What a file's project has besides the folder and the names. */
export interface ProjectOptions {
  /** Laid over the environment of commands and workers. */
  env?: Record<string, string>;
  /** Runs in the open project before its workers start: files, params, search attributes. */
  prepare?: (project: Project) => unknown;
  /** The flags of each worker: one worker without flags by default. */
  workers?: string[][];
  /** The arguments of each `run` before the tests. */
  runs?: string[][];
  /** Ends the workers: SIGTERM, which lets them drain, by default. */
  endBy?: NodeJS.Signals;
}

/**
 * Registers a project on the test stack, its workers and runs for the tests of a file or a suite.
 * @returns the project, which is open from the first `beforeAll` on that is registered after this one
 */
export function withProject(name: string, options: ProjectOptions = {}): Project {
  const { env, prepare, workers = [[]], runs = [], endBy } = options;
  const project = planProject(name, env);
  beforeAll(async () => {
    await project.open();
    await prepare?.(project);
    for (const flags of workers) await project.startWorker(...flags); // in order: tests count them
    for (const args of runs) await succeed(project.client('run', ...args));
  });
  afterAll(() => project.close(endBy));
  return project;
}

/** One sentence on stderr, no stack trace, and a failing exit code. */
export function refused({ code, stdout, stderr }: Ran): string {
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

/** An output of a stage, as a version's record names it. */
export function output(record: VersionRecord, stage: string, name: string): Ref {
  return record.stages.find((entry) => entry.stage === stage)!.outputs[name]!;
}
