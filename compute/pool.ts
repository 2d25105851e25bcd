import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { reviveError } from '../contract/failures.ts';
import type { TaskInput, TaskName, TaskOutput } from './tasks.ts';
import { createProgress, type Progress, readProgress } from './progress.ts';

/** How often the progress of a task is read, for a caller that wants it. */
const READ_MS = 250;

/**
 * Runs a named pure function of pipeline/ in a worker thread; aborting the signal stops the thread. The parts
 * in the input are moved to the thread, so that memory holds them once: the caller cannot read them afterwards.
 * @param onProgress called while the task runs, each time its progress has changed
 */
export type Compute = <Name extends TaskName>(
  name: Name,
  input: TaskInput<Name>,
  signal: AbortSignal,
  onProgress?: (progress: Progress) => void,
) => Promise<TaskOutput<Name>>;

/** A pool of worker threads. A computation in a thread does not delay heartbeats, polls or other activities. */
export interface ComputePool {
  compute: Compute;
  close: () => Promise<void>;
}

/** The answer of a thread. Our errors are sent as data, because an error that is sent loses its class. */
export type ThreadAnswer =
  | { ok: true; value: unknown }
  | { ok: false; error: { name: string; message: string; details: Record<string, unknown> } };

/** A fit of more bytes than this may take so long that no other task should wait behind it. */
const LONG_FIT = 4e6;

/**
 * An idle thread still holds the memory of its last fit. It ends after this time, which is long enough for the
 * next of several batches.
 */
const FIT_IDLE_MS = 5000;

/**
 * Opens the pool and starts one thread. Long fits have a second pool of the same size, whose threads start when
 * they are needed. So the short tasks of other batches never wait behind a long fit.
 */
export function openPool(options: { threads?: number } = {}): ComputePool {
  const maxThreads = options.threads ?? availableParallelism();
  const pool = openThreads({ minThreads: 1, maxThreads, idleTimeout: 60_000 });
  const fits = openThreads({ minThreads: 0, maxThreads, idleTimeout: FIT_IDLE_MS });
  return {
    compute: async (name, input, signal, onProgress) => {
      const progress = createProgress();
      const stop =
        onProgress === undefined
          ? undefined
          : watchProgress(() => readProgress(progress), onProgress);
      try {
        const parts = listParts(name, input);
        const isLong = name === 'fitModel' && sumBytes(parts) > LONG_FIT;
        const answer = (await (isLong ? fits : pool).run(
          { name, input, progress },
          { signal, transferList: listMemory(parts) },
        )) as ThreadAnswer;
        if (!answer.ok) throw reviveError(answer.error);
        return answer.value as never;
      } finally {
        stop?.();
      }
    },
    close: async () => {
      await Promise.all([pool.close({ force: true }), fits.close({ force: true })]);
    },
  };
}

function openThreads(options: {
  minThreads: number;
  maxThreads: number;
  idleTimeout: number;
}): Piscina {
  const built = !import.meta.url.endsWith('.ts');
  return new Piscina({
    filename: new URL(built ? './thread.js' : './thread.ts', import.meta.url).href,
    // The process that opens the pool may load TypeScript by other means than a thread can.
    ...(built ? {} : { execArgv: ['--import', import.meta.resolve('tsx')] }),
    ...options,
  });
}

/** The parts in the input of a task that reads them. */
function listParts(name: TaskName, input: TaskInput<TaskName>): Uint8Array[] {
  if (name === 'fitModel' || name === 'evaluateModel' || name === 'findTrained')
    return (input as TaskInput<'fitModel' | 'evaluateModel' | 'findTrained'>).parts;
  if (name !== 'fitFromCounts') return [];
  const { words } = input as TaskInput<'fitFromCounts'>;
  return words === undefined ? [] : [...words.known, ...words.fresh].flatMap(({ parts }) => parts);
}

function sumBytes(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** The memory of the parts that can be moved. A small part may share its memory with others, so it is copied. */
function listMemory(parts: readonly Uint8Array[]): ArrayBuffer[] {
  return parts.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  );
}

/** Reads the progress at intervals and reports what has changed; returns how to stop. */
function watchProgress(read: () => Progress, report: (progress: Progress) => void): () => void {
  let last = 0;
  const timer = setInterval(() => {
    const progress = read();
    if (progress.fraction <= last) return;
    last = progress.fraction;
    report(progress);
  }, READ_MS);
  return () => clearInterval(timer);
}
