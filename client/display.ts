import { createLogUpdate } from 'log-update';
import { onStderr, onStdout } from './colour.ts';
import type { StageView, Watcher } from './follow.ts';
import { widthOf } from './width.ts';
import { scoreDigits } from '../contract/score-digits.ts';

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

/** A text in lines of so many characters at most, cut between words; a longer word has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const BAR = 20;

/** How far a long stage is: ━━━━━━──────────────  31 %  1.2 M rows. */
export function bar({ fraction, rows }: { fraction: number; rows?: number | undefined }): string {
  const share = Math.min(1, Math.max(0, fraction));
  const full = Math.round(share * BAR);
  const line = `${'━'.repeat(full)}${'─'.repeat(BAR - full)}  ${Math.round(share * 100)} %`;
  return rows === undefined ? line : `${line}  ${count(rows)} rows`;
}

/** A count as a person reads it: 950, 12.4 k, 1.2 M. */
function count(rows: number): string {
  if (rows < 10_000) return String(rows);
  return rows < 1_000_000 ? `${(rows / 1_000).toFixed(1)} k` : `${(rows / 1e6).toFixed(1)} M`;
}

/** Milliseconds as a person reads them: 7 ms, 1.2 s, 3 min 20 s, 12 h. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 3_600_000) return inWhole(ms / 60_000, 60, 'h', 'min');
  return inWhole(ms / 1_000, 60, 'min', 's');
}

function inWhole(small: number, each: number, unit: string, smallUnit: string): string {
  const [whole, rest] = [Math.floor(Math.round(small) / each), Math.round(small) % each];
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smallUnit}`;
}

/** Bytes in the units of disks: 3.8 kB, 12.0 MB. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), units.length - 1);
  return power === 0 ? `${size} B` : `${(size / 1_000 ** power).toFixed(1)} ${units[power]}`;
}

/** A table for stdout: aligned, numbers to the right, no rules between its rows. */
export function table(head: string[], rows: (string | number)[][]): string {
  const cells = rows.map((row) => head.map((_, column) => cellOf(row[column])));
  const columns = head.map((name, column) => {
    const texts = cells.map((row) => row[column]!);
    const width = texts.reduce((most, text) => Math.max(most, widthOf(text)), widthOf(name));
    return { width, numeric: texts.every((text) => /^[\d.,%–-]*$/.test(text)) };
  });
  const textOf = (row: string[]): string =>
    row
      .map((text, column) => {
        const { width, numeric } = columns[column]!;
        const gap = ' '.repeat(width - widthOf(text));
        return numeric ? gap + text : text + gap;
      })
      .join('  ')
      .trimEnd();
  return [head.map((name) => onStdout.bold(name)), ...cells].map(textOf).join('\n');
}

/** A cell is one line, whatever is in it. */
function cellOf(value: string | number | undefined): string {
  return String(value ?? '').replaceAll(/\s*\n\s*/g, ' ');
}

/** A score or count as printed in tables: whole numbers past 1 as they are. */
export function number(value: number | undefined): string {
  if (value === undefined) return '–';
  return Number.isInteger(value) && Math.abs(value) > 1 ? String(value) : scoreDigits(value);
}
