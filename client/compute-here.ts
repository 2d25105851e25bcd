import type { Compute } from '../compute/pool.ts';
import { threadFiles } from '../compute/thread-files.ts';
import { tasks } from '../compute/tasks.ts';

/** Runs a function of pipeline/ in this process: a command has nothing else to do meanwhile. */
export const computeHere: Compute = async (name, input) => {
  const task = tasks[name] as (...given: unknown[]) => unknown;
  return (await task(input, undefined, { files: threadFiles })) as never;
};
