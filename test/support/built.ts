import { expect } from 'vitest';
import { loadConfig } from '../../config/environment.ts';
import { openStore, type Store } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import type { Ref } from '../../contract/ref.ts';
import {
  makeProject,
  startWorker,
  succeed,
  type Project,
  type Ran,
  type RunningWorker,
} from './project.ts';

/** A project with a worker and a store of its own, in which some versions have been built. */
export interface BuiltProject {
  project: Project;
  worker: RunningWorker;
  store: Store;
  /** Runs a command that must end well, and reads what it prints as JSON. */
  json: <T>(...args: string[]) => Promise<T>;
  close: () => Promise<void>;
}

/** Makes a project on the test stack, and runs `run` there with each of these arguments. */
export async function makeBuilt(name: string, ...runs: string[][]): Promise<BuiltProject> {
  const project = await makeProject(name);
  const worker = await startWorker(project);
  const store = openStore(loadConfig(project.folder, project.env).storage);
  for (const args of runs) await succeed(project.client('run', ...args));
  return {
    project,
    worker,
    store,
    json: async <T>(...args: string[]) =>
      JSON.parse((await succeed(project.client(...args, '--json'))).stdout) as T,
    close: async () => {
      await worker.stop();
      store.bucket.close();
      project.remove();
    },
  };
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
