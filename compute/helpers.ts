import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { readEnvNumber } from '../contract/env.ts';
import type { Helpers, Job, Subtree } from '../pipeline/models/cart/together.ts';

/**
 * Threads that help the calling thread to fit a tree. They start at the first job and stay for the next tree.
 * They end with the calling thread, so a fit is cancelled by stopping that thread.
 * @param count how many
 */
export function openHelpers(count: number): Helpers & { close: () => Promise<void> } {
  let workers: Worker[] = [];
  const close = async (): Promise<void> => {
    const ended = workers.map((worker) => worker.terminate());
    workers = [];
    await Promise.all(ended);
  };
  return {
    count,
    help: async (job) => {
      while (workers.length < count) workers.push(startHelper());
      try {
        return (await Promise.all(workers.map((worker) => ask(worker, job)))).flat();
      } catch (error) {
        // The state of the others is not known, so all helpers end.
        await close();
        throw error;
      }
    },
    close,
  };
}

/**
 * How many threads fit one tree: RETRAIN_TRAIN_THREADS, or the number of cores. It is not a param, because the
 * tree does not depend on it.
 * @throws BadParams when the variable is not a number of threads
 */
export function trainThreads(env: NodeJS.ProcessEnv = process.env): number {
  const otherwise = availableParallelism();
  const range = { otherwise, least: 1, most: 1024, what: 'a number of threads' };
  return Math.floor(readEnvNumber(env, 'RETRAIN_TRAIN_THREADS', range));
}

function startHelper(): Worker {
  const built = !import.meta.url.endsWith('.ts');
  const entry = new URL(built ? './helper.js' : './helper.ts', import.meta.url);
  const worker = built ? new Worker(entry) : startTypeScript(entry);
  worker.unref();
  return worker;
}

/** Node reads TypeScript only after a loader for it is registered. */
function startTypeScript(entry: URL): Worker {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const api = new URL('./dist/esm/api/index.mjs', tsx).href;
  const [load, helper] = [api, entry.href].map((url) => JSON.stringify(url));
  return new Worker(`import(${load}).then(({ tsImport }) => tsImport(${helper}, ${helper}))`, {
    eval: true,
  });
}

function ask(worker: Worker, job: Job): Promise<Subtree[]> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('a thread that helped to fit a tree has ended'));
    const settle = (done: () => void): void => {
      worker.off('error', failed).off('exit', ended).off('message', answered);
      done();
    };
    const failed = (error: unknown): void =>
      settle(() => reject(error instanceof Error ? error : new Error(String(error))));
    const answered = (subtrees: Subtree[]): void => settle(() => resolve(subtrees));
    worker.once('error', failed).once('exit', ended).once('message', answered);
    // Only a job that waits for its answer keeps this thread alive.
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    worker.postMessage(job);
  }).finally(() => worker.unref()) as Promise<Subtree[]>;
}
