import type { Report } from '../pipeline/progress.ts';

/**
 * How far a thread is, in memory it shares with the one that waits for it: a thread busy computing
 * need not stop to send, and whoever looks sees the last word.
 */
export type Gauge = SharedArrayBuffer;

/** What a gauge shows; rows are undefined until the thread has told some. */
export interface Reading {
  /** 0 to 1. */
  fraction: number;
  rows: number | undefined;
}

const SLOTS = 2;

export function openGauge(): Gauge {
  const gauge = new SharedArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT);
  new Float64Array(gauge)[1] = -1;
  return gauge;
}

/** The thread's end. */
export function reportTo(gauge: Gauge): Report {
  const slots = new Float64Array(gauge);
  return (fraction, rows) => {
    slots[0] = fraction;
    if (rows !== undefined) slots[1] = rows;
  };
}

/** The other end. */
export function readGauge(gauge: Gauge): Reading {
  const [fraction = 0, rows = -1] = new Float64Array(gauge);
  return { fraction, rows: rows < 0 ? undefined : rows };
}
