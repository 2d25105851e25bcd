import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { reviveError } from '../contract/failures.ts';
import type { TaskInput, TaskName, TaskOutput } from './tasks.ts';
import { openGauge, readGauge, type Reading } from './gauge.ts';

/** How often a caller that wants to know is told how far its task is. */
const LOOK_MS = 250;

/**
 * Runs a named pure function of pipeline/ in a worker thread; aborting the signal stops the thread. Parts
 * are handed over to it, for here they would only be held beside its own: the caller has them no more.
 * @param onProgress called while the task runs, when it has come further
 */
export type Compute = <Name extends TaskName>(
  name: Name,
  input: TaskInput<Name>,
  signal: AbortSignal,
  onProgress?: (reading: Reading) => void,
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

/** A fit of more bytes than this may take so long that nothing else is to wait behind it. */
const LONG_FIT = 4e6;

/**
 * A thread that waits holds what its last fit has left: long enough for the next of several batches, and no
 * longer.
 */
const FIT_IDLE_MS = 5000;

/**
 * Opens the pool with one thread already warm. Long fits have as many threads of their own, started when
 * they are first needed, so that the short work of other batches is never stuck behind them.
 */
export function openPool(options: { threads?: number } = {}): ComputePool {
  const maxThreads = options.threads ?? availableParallelism();
  const pool = threads({ minThreads: 1, maxThreads, idleTimeout: 60_000 });
  const fits = threads({ minThreads: 0, maxThreads, idleTimeout: FIT_IDLE_MS });
  return {
    compute: async (name, input, signal, onProgress) => {
      const gauge = openGauge();
      const stop = onProgress === undefined ? undefined : watch(() => readGauge(gauge), onProgress);
      try {
        const parts = partsOf(name, input);
        const isLong = name === 'fitModel' && sizeOf(parts) > LONG_FIT;
        const answer = (await (isLong ? fits : pool).run(
          { name, input, gauge },
          { signal, transferList: memoryOf(parts) },
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

function threads(options: {
  minThreads: number;
  maxThreads: number;
  idleTimeout: number;
}): Piscina {
  const built = !import.meta.url.endsWith('.ts');
  return new Piscina({
    filename: new URL(built ? './thread.js' : './thread.ts', import.meta.url).href,
    // Whoever opens the pool may have read our TypeScript by other means than a thread can.
    ...(built ? {} : { execArgv: ['--import', import.meta.resolve('tsx')] }),
    ...options,
  });
}

/** The parts in the input of a task that reads them. */
function partsOf(name: TaskName, input: TaskInput<TaskName>): Uint8Array[] {
  if (name === 'fitModel' || name === 'evaluate')
    return (input as TaskInput<'fitModel' | 'evaluate'>).parts;
  if (name !== 'fitEncoder') return [];
  const { words } = input as TaskInput<'fitEncoder'>;
  return words === undefined ? [] : [...words.known, ...words.fresh].flatMap(({ parts }) => parts);
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Of those that have memory of their own: small ones may be views of memory that others use, and are copied. */
function memoryOf(parts: readonly Uint8Array[]): ArrayBuffer[] {
  return parts.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  );
}

/** Looks now and then, and tells of what has changed. */
function watch(read: () => Reading, tell: (reading: Reading) => void): () => void {
  let last = 0;
  const timer = setInterval(() => {
    const reading = read();
    if (reading.fraction <= last) return;
    last = reading.fraction;
    tell(reading);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
