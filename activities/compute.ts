import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { reviveError } from '../errors.ts';
import type { TaskInput, TaskName, TaskOutput } from '../pipeline/tasks.ts';

/** Runs a named pure function of pipeline/ in a worker thread; aborting the signal stops the thread. */
export type Compute = <Name extends TaskName>(
  name: Name,
  input: TaskInput<Name>,
  signal: AbortSignal,
) => Promise<TaskOutput<Name>>;

/** A pool of worker threads, so that CPU work never starves heartbeats, polling or other activities. */
export interface ComputePool {
  compute: Compute;
  close: () => Promise<void>;
}

/** What a thread answers: errors of ours would lose their class on the way, so they travel as data. */
export type ThreadAnswer =
  | { ok: true; value: unknown }
  | { ok: false; error: { name: string; message: string; details: Record<string, unknown> } };

/** Opens the pool with one thread already warm. */
export function openPool(options: { threads?: number } = {}): ComputePool {
  const threads = options.threads ?? availableParallelism();
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const pool = new Piscina({
    filename: new URL(`./thread.${extension}`, import.meta.url).href,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: 60_000,
  });
  return {
    compute: async (name, input, signal) => {
      const answer = (await pool.run({ name, input }, { signal })) as ThreadAnswer;
      if (!answer.ok) throw reviveError(answer.error);
      return answer.value as never;
    },
    close: () => pool.close({ force: true }),
  };
}
