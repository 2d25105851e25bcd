import { createLogUpdate } from 'log-update';
import type { StageView, Watcher } from './follow.ts';
import { bar, bytes, duration, wrapped } from './format.ts';
import { onStderr } from './print.ts';

/** Where progress goes: always stderr, so that stdout holds results alone. */
const out = process.stderr;

const marks: Record<StageView['state'], string> = {
  waiting: onStderr.dim('·'),
  running: onStderr.cyan('▸'),
  retrying: onStderr.yellow('↻'),
  done: onStderr.green('✔'),
  cached: onStderr.blue('≡'),
  failed: onStderr.red('✖'),
};

/** A view of a run as it goes: redrawn in place on a terminal, a line per finished stage elsewhere. */
export interface Display {
  watch: Watcher;
  /** Leaves what is drawn on the screen and stops redrawing. */
  stop: () => void;
}

export function openDisplay(title: string): Display {
  // Some terminals give no size: nothing could be redrawn in that.
  return out.isTTY && out.columns > 0 ? liveDisplay(title) : lineDisplay(title);
}

function liveDisplay(title: string): Display {
  const update = createLogUpdate(out, { showCursor: true });
  let shown: readonly StageView[] = [];
  let waits: string[] = [];
  let stopped = false;
  const draw = (): void =>
    update([onStderr.bold(title), ...shown.map(lineOf), ...waits, ''].join('\n'));
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
  const told = new Map<string, string>();
  out.write(`${title}\n`);
  return {
    watch: (stages, notice) => {
      const same = notice?.replace(/ for \d+ s/, ''); // said once, not every second
      if (same !== undefined && told.get('notice') !== same) out.write(`  ${notice}\n`);
      told.set('notice', same ?? '');
      for (const view of stages) {
        const quarter = Math.floor((view.progress?.fraction ?? 0) * 4);
        const news = `${view.state} ${view.note ?? ''} ${quarter}`;
        const quiet = view.state === 'waiting' || (view.state === 'running' && quarter === 0);
        if (told.get(view.stage) === news || quiet) continue;
        told.set(view.stage, news);
        out.write(`${lineOf(view)}\n`);
      }
    },
    stop: () => undefined,
  };
}

function lineOf(view: StageView): string {
  const elapsed =
    view.durationMs ??
    (view.since !== undefined && (view.state === 'running' || view.state === 'retrying')
      ? Date.now() - view.since
      : undefined);
  const columns = [
    view.stage.padEnd(13),
    view.state.padEnd(8),
    (elapsed === undefined ? '' : duration(elapsed)).padStart(9),
    (view.size === undefined ? '' : bytes(view.size)).padStart(9),
  ];
  if (view.progress !== undefined) columns.push(bar(view.progress));
  const text = columns.join('  ').trimEnd();
  const line = `  ${marks[view.state]} ${view.state === 'waiting' ? onStderr.dim(text) : text}`;
  if (view.note === undefined) return line;
  const note = out.isTTY ? wrapped(view.note, out.columns - NOTE.length) : [view.note];
  return [line, ...note.map((part) => `${NOTE}${onStderr.yellow(part)}`)].join('\n');
}

const NOTE = ' '.repeat(6);
