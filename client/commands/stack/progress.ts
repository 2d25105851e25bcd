import { createLogUpdate } from 'log-update';
import type { PartName, Report, StackEvent } from '../../../infra/report.ts';
import { formatDuration } from '../../format.ts';
import { onStderr, renderText, say } from '../../print.ts';

/** Shows how far a stack has started or stopped. Call `stop` at the end. */
export interface StackProgress {
  report: Report;
  stop: () => void;
}

/**
 * Prints each step as a line. On a terminal, an animated last line names the parts that are not ready yet, and how
 * long each has taken.
 */
export function openStackProgress(out: NodeJS.WriteStream = process.stderr): StackProgress {
  // Some terminals report no size, and without one nothing can be redrawn.
  const isLive = out.isTTY && out.columns > 0 && out.rows > 0;
  if (!isLive) return { report: ({ line }) => say(line), stop: () => undefined };
  const update = createLogUpdate(out, { showCursor: true });
  const waiting = new Map<StackEvent['part'], number>();
  const draw = (): void => update(renderText(formatWaiting(waiting)));
  const timer = setInterval(draw, 100);
  return {
    report: ({ part, state, line }) => {
      const isUnderWay = state === 'working' || state === 'starting' || state === 'stopping';
      if (!isUnderWay) waiting.delete(part);
      else if (!waiting.has(part)) waiting.set(part, Date.now());
      update.clear();
      say(line);
      draw();
    },
    stop: () => {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const TITLES: Record<PartName | 'python' | 'stack', string> = {
  temporal: 'Temporal',
  s3: 'S3',
  mlflow: 'MLflow',
  worker: 'worker',
  python: 'installing',
  stack: 'stack',
};

/** The animated line: `⠙ MLflow 12 s, worker 3 s`; empty when nothing is waited for. */
export function formatWaiting(
  waiting: ReadonlyMap<StackEvent['part'], number>,
  now = Date.now(),
): string {
  if (waiting.size === 0) return '';
  const frame = FRAMES[Math.floor(now / 100) % FRAMES.length]!;
  const parts = [...waiting].map(
    ([part, since]) =>
      `${TITLES[part]} ${formatDuration(Math.floor((now - since) / 1_000) * 1_000)}`,
  );
  return `${onStderr.cyan(frame)} ${parts.join(', ')}`;
}
