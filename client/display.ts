import { createLogUpdate } from 'log-update';
import wrapAnsi from 'wrap-ansi';
import type { StageView, Watcher } from './follow.ts';
import { formatBar, formatBytes, formatDuration } from './format.ts';
import { escapeControls } from '../contract/controls.ts';
import { onStderr, printProgress, renderText } from './print.ts';

/** Progress goes to stderr, so that stdout holds results only. */
const out = process.stderr;

const marks: Record<StageView['state'], string> = {
  waiting: onStderr.dim('·'),
  running: onStderr.cyan('▸'),
  retrying: onStderr.yellow('↻'),
  done: onStderr.green('✔'),
  cached: onStderr.blue('≡'),
  failed: onStderr.red('✖'),
};

/** Shows a run while it goes on: redrawn in place on a terminal, elsewhere one line per finished stage. */
export interface Display {
  watch: Watcher;
  /** Stops redrawing; the last drawing stays on the screen. */
  stop: () => void;
}

export function openDisplay(title: string): Display {
  // Some terminals report no size, and without one nothing can be redrawn.
  return out.isTTY && out.columns > 0 ? liveDisplay(title) : lineDisplay(title);
}

function liveDisplay(title: string): Display {
  const update = createLogUpdate(out, { showCursor: true });
  let shown: readonly StageView[] = [];
  let waits: string[] = [];
  let stopped = false;
  const format = (view: StageView): string => formatStage(view, out.columns);
  const draw = (): void =>
    update(renderText([onStderr.bold(title), HEAD, ...shown.map(format), ...waits].join('\n')));
  const timer = setInterval(draw, 100);
  return {
    watch: (stages, notice) => {
      shown = stages;
      waits = notice === undefined ? [] : [`  ${onStderr.yellow(notice)}`];
      draw();
    },
    stop: () => {
      if (stopped) return;
      stopped = true;
      waits = [];
      clearInterval(timer);
      draw();
      update.done();
    },
  };
}

function lineDisplay(title: string): Display {
  const shown = new Map<string, string>();
  printProgress(title);
  printProgress(HEAD);
  return {
    watch: (stages, notice) => {
      const same = notice?.replace(/ for \d+ s/, ''); // printed once, not every second
      if (same !== undefined && shown.get('notice') !== same) printProgress(`  ${notice}`);
      shown.set('notice', same ?? '');
      for (const view of stages) {
        const quarter = Math.floor((view.progress?.fraction ?? 0) * 4);
        // The count of attempts alone is no news: where lines stay, the same reason is said once.
        const reason = view.note?.replace(/^attempt \d+: /, '') ?? '';
        const news = `${view.state} ${reason} ${quarter}`;
        const quiet = view.state === 'waiting' || (view.state === 'running' && quarter === 0);
        if (shown.get(view.stage) === news || quiet) continue;
        shown.set(view.stage, news);
        printProgress(formatStage(view));
      }
    },
    stop: () => undefined,
  };
}

/** The names of the columns. */
const HEAD = onStderr.dim(`    ${alignColumns('stage', 'state', 'took', 'size').trimEnd()}`);

/**
 * Formats the line of a stage, and below it the reason for which it is retried.
 * @param width the maximum length of a line; undefined if the output is not a terminal
 */
export function formatStage(view: StageView, width?: number): string {
  const elapsed =
    view.durationMs ??
    (view.since !== undefined && (view.state === 'running' || view.state === 'retrying')
      ? Date.now() - view.since
      : undefined);
  const took = elapsed === undefined ? '' : formatDuration(elapsed);
  const size = view.size === undefined ? '' : formatBytes(view.size);
  const row = alignColumns(view.stage, view.state, took, size);
  // Two spaces, the mark and a space come before the row.
  const room = width === undefined ? undefined : width - row.length - 6;
  const bar = view.progress === undefined ? '' : formatBar(view.progress, room);
  const text = `${row}  ${bar}`.trimEnd();
  const line = `  ${marks[view.state]} ${view.state === 'waiting' ? onStderr.dim(text) : text}`;
  if (view.note === undefined) return line;
  const note = escapeControls(view.note);
  const lines =
    width === undefined
      ? [note]
      : wrapAnsi(note, width - INDENT.length, { hard: true }).split('\n');
  return [line, ...lines.map((part) => `${INDENT}${onStderr.yellow(part)}`)].join('\n');
}

function alignColumns(stage: string, state: string, took: string, size: string): string {
  return [stage.padEnd(13), state.padEnd(8), took.padStart(9), size.padStart(9)].join('  ');
}

const INDENT = ' '.repeat(6);
