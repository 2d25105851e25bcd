import type { Compute } from '../activities/compute.ts';
import { threadFiles } from '../activities/thread-files.ts';
import { tasks } from '../pipeline/tasks.ts';

/** Runs a function of pipeline/ in this process: a command has nothing else to do meanwhile. */
export const computeHere: Compute = async (name, input) => {
  const task = tasks[name] as (...given: unknown[]) => unknown;
  return (await task(input, undefined, { files: threadFiles })) as never;
};
