import type { Report } from '../pipeline/progress.ts';

/**
 * The progress of a task, in memory that its thread shares with the caller. The thread does not stop to send a
 * message, and the caller always reads the latest state.
 */
export type SharedProgress = SharedArrayBuffer;

/** The state of a task. */
export interface Progress {
  /** 0 to 1. */
  fraction: number;
  /** Rows that are done; undefined until the task has reported some. */
  rows: number | undefined;
}

const SLOTS = 2;

export function createProgress(): SharedProgress {
  const shared = new SharedArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT);
  new Float64Array(shared)[1] = -1;
  return shared;
}

/** Returns the function with which the thread reports its progress. */
export function reportTo(shared: SharedProgress): Report {
  const slots = new Float64Array(shared);
  return (fraction, rows) => {
    slots[0] = fraction;
    if (rows !== undefined) slots[1] = rows;
  };
}

/** Reads the progress in the caller's thread. */
export function readProgress(shared: SharedProgress): Progress {
  const [fraction = 0, rows = -1] = new Float64Array(shared);
  return { fraction, rows: rows < 0 ? undefined : rows };
}
