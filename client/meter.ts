import { createLogUpdate } from 'log-update';
import { formatBytes, formatDuration } from './format.ts';
import { printProgress } from './print.ts';

/** Work that ends within this time shows no progress. */
const QUIET_MS = 1_000;
const TERMINAL_MS = 100;
const LINES_MS = 5_000;

/** Shows the progress of long work on stderr: in place on a terminal, elsewhere a line every five seconds. */
export interface Meter {
  /** Sets the total, once it is known. */
  expect: (bytes: number) => void;
  add: (bytes: number) => void;
  /** Clears what is drawn. */
  stop: () => void;
}

/** @param doing the work as a person names it: "fetching" */
export function openMeter(doing: string): Meter {
  const { isTTY } = process.stderr;
  const update = createLogUpdate(process.stderr, { showCursor: true });
  const started = Date.now();
  let [done, total] = [0, 0];
  const draw = (): void => {
    const elapsed = Date.now() - started;
    if (elapsed < QUIET_MS) return;
    const line = meterLine(doing, { done, total, elapsed });
    if (isTTY) update(line);
    else printProgress(line);
  };
  const timer = setInterval(draw, isTTY ? TERMINAL_MS : LINES_MS);
  return {
    expect: (size) => (total = size),
    add: (size) => (done += size),
    stop: () => {
      clearInterval(timer);
      update.clear();
    },
  };
}

/** For example `fetching  1.2 GB of 4.0 GB, 250.0 MB/s, 11.2 s to go`. Before the first byte there is no speed. */
export function meterLine(
  doing: string,
  { done, total, elapsed }: { done: number; total: number; elapsed: number },
): string {
  if (done === 0) return total === 0 ? `${doing} …` : `${doing}  0 B of ${formatBytes(total)}`;
  const rate = (done / elapsed) * 1_000;
  const speed = `${formatBytes(Math.round(rate))}/s`;
  if (total === 0 || done > total) return `${doing}  ${formatBytes(done)}, ${speed}`;
  const left = rate > 0 ? `, ${formatDuration(((total - done) / rate) * 1_000)} to go` : '';
  return `${doing}  ${formatBytes(done)} of ${formatBytes(total)}, ${speed}${left}`;
}
