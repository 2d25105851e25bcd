import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { findMetricSet, formatScore } from '../contract/metric-sets.ts';
import { escapeControls } from '../contract/controls.ts';
import { foldText, onStdout } from './print.ts';

/** A column of a table: its name, and what happens to it where the terminal is too narrow for all columns. */
export interface Head {
  name: string;
  /** The order in which columns are left out, 1 first. A column without it is always shown. */
  leaveOut: number;
}

/**
 * A table for stdout: columns aligned, numbers to the right, no lines between rows.
 * @param room the columns of the terminal. A wider table gets heads of several lines, then narrower gaps, then cells of
 *   two lines in columns of words. Then it loses columns that may be left out, and a line below names them.
 */
export function formatTable(
  head: readonly (string | Head)[],
  rows: (string | number)[][],
  room = process.stdout.isTTY ? process.stdout.columns || Infinity : Infinity,
): string {
  const cells = rows.map((row) => head.map((_, column) => formatCell(row[column])));
  const columns = head.map((one, at): Column => {
    const name = formatCell(typeof one === 'string' ? one : one.name);
    const texts = cells.map((row) => row[at]!);
    return {
      at,
      name: [name],
      width: texts.reduce((most, text) => Math.max(most, measureWidth(text)), 0),
      numeric: texts.every((text) => NUMBER.test(text)),
      leaveOut: typeof one === 'string' ? Infinity : one.leaveOut,
    };
  });
  const optional = columns.filter(({ leaveOut }) => leaveOut < Infinity);
  const order = optional.toSorted((a, b) => a.leaveOut - b.leaveOut);
  for (let count = 0; count <= order.length; count++) {
    const out = order.slice(0, count);
    const shown = columns.filter((column) => !out.includes(column));
    const table = fitTable(shown, cells, room, 'two lines');
    if (table !== undefined) return table + nameLeftOut(columns, out, room);
  }
  const least = columns.filter((column) => !order.includes(column));
  const table =
    fitTable(least, cells, room, 'whole words') ??
    fitTable(least, cells, room, 'any') ??
    layTable(narrowHeads(least), cells, ' ');
  return table + nameLeftOut(columns, order, room);
}

/** A number, also with its unit: `−0.0386`, `12.0 MB`, `3 min 20 s`. */
const NUMBER =
  /^(?:[\d.,%+–−-]| %|\de[+-]?\d|(?<=\d) (?:ms|s|min|h|B|kB|MB|GB|TB)(?![a-z])|(?<=[a-z]) (?=\d))*$/;

/** The line below a table that names the columns for which the terminal is too narrow. */
function nameLeftOut(columns: readonly Column[], out: readonly Column[], room: number): string {
  if (out.length === 0) return '';
  const names = columns.filter((column) => out.includes(column)).map(({ name }) => name[0]!);
  const line = `not shown: ${names.join(', ')} (for all columns: a wider terminal, or --json)`;
  return `\n${onStdout.dim(foldText(line, 2, { isTTY: true, columns: room }))}`;
}

/** How cells of words may be broken into lines. Two lines also keep words whole. */
type Breaks = 'two lines' | 'whole words' | 'any';

/** The table in no more than `room` columns; undefined where that is not possible. */
function fitTable(
  columns: readonly Column[],
  cells: readonly string[][],
  room: number,
  breaks: Breaks,
): string | undefined {
  const measure = (all: readonly Column[], gap: string): number =>
    all.reduce((sum, column) => sum + widthOf(column) + gap.length, -gap.length);
  if (measure(columns, GAP) <= room) return layTable(columns, cells, GAP);
  const narrow = narrowHeads(columns);
  const gap = [GAP, ' '].find((one) => measure(narrow, one) <= room);
  if (gap !== undefined) return layTable(narrow, cells, gap);
  const shrunk = shrinkWords(narrow, cells, measure(narrow, ' ') - room, breaks);
  return shrunk && layTable(shrunk, cells, ' ');
}

function narrowHeads(columns: readonly Column[]): Column[] {
  return columns.map((column) => ({ ...column, name: breakHead(column.name[0]!, column.width) }));
}

/** The widest part of a head that stays on one line. */
function measureHead(name: readonly string[]): number {
  const parts = name.flatMap((line) => line.split(/(?<=[ ._])/));
  return Math.max(...parts.map((part) => measureWidth(part.trimEnd())));
}

/** The lines of a head. The name of a param may break after a point or an underscore. */
function breakHead(name: string, width: number): string[] {
  const parts = name.split(/(?<=[ ._])/);
  const room = Math.max(width, ...parts.map((part) => part.trimEnd().length));
  const lines: string[] = [];
  for (const part of parts) {
    const joined = `${lines.at(-1) ?? ''}${part}`;
    if (lines.length > 0 && joined.trimEnd().length <= room) lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  return lines.map((line) => line.trimEnd());
}

/** A column of words is not made narrower than this, so that a time stays on one line. */
const LEAST_WIDTH = 16;

/**
 * Makes columns of words narrower, the widest first, until the table is `excess` columns narrower. Undefined where that
 * is not possible.
 */
function shrinkWords(
  columns: readonly Column[],
  cells: readonly string[][],
  excess: number,
  breaks: Breaks,
): Column[] | undefined {
  const widths = columns.map(widthOf);
  const least = columns.map((column, i) => {
    if (column.numeric) return widths[i]!;
    const words = breaks === 'any' ? [] : cells.map((row) => measureLongestWord(row[column.at]!));
    const longest = words.reduce((most, one) => Math.max(most, one), LEAST_WIDTH);
    const half = breaks === 'two lines' ? Math.ceil(column.width / 2) : 0;
    return Math.max(half, longest, measureHead(column.name));
  });
  for (let rest = excess; rest > 0; rest--) {
    const wide = widths.map((width, i) => (width > least[i]! ? width : 0));
    const widest = wide.indexOf(Math.max(...wide));
    if (wide[widest] === 0) return undefined;
    widths[widest]!--;
  }
  return columns.map((column, i) => {
    if (widths[i] === widthOf(column)) return column;
    const width = Math.min(column.width, widths[i]!);
    return { ...column, name: breakHead(column.name.join(' '), widths[i]!), width };
  });
}

function measureLongestWord(text: string): number {
  return text.split(' ').reduce((most, word) => Math.max(most, measureWidth(word)), 0);
}

interface Column {
  /** Its place in a row of cells. */
  at: number;
  /** The lines of its head. */
  name: string[];
  /** Of its widest cell. */
  width: number;
  numeric: boolean;
  leaveOut: number;
}

const GAP = '  ';

function widthOf({ name, width }: Column): number {
  return Math.max(width, ...name.map(measureWidth));
}

function layTable(columns: readonly Column[], cells: readonly string[][], gap: string): string {
  const widths = columns.map(widthOf);
  // A style comes after the measuring: its codes take no column.
  const lineOf = (row: readonly string[], style = (text: string): string => text): string =>
    row
      .map((text, column) => {
        // A word that is broken inside a sequence of joined characters can be wider than it was measured.
        const space = ' '.repeat(Math.max(0, widths[column]! - measureWidth(text)));
        if (text === '') return space;
        return columns[column]!.numeric ? space + style(text) : style(text) + space;
      })
      .join(gap)
      .trimEnd();
  const height = Math.max(...columns.map(({ name }) => name.length));
  const heads = Array.from({ length: height }, (_, line) =>
    columns.map(({ name }) => name[line - height + name.length] ?? ''),
  );
  return [
    ...heads.map((row) => lineOf(row, onStdout.bold)),
    ...cells
      .map((row) => columns.map(({ at }) => row[at]!))
      .flatMap((row) => breakCells(columns, row))
      .map((row) => lineOf(row)),
  ].join('\n');
}

/** The lines of a row: more than one where a cell is wider than its column. */
function breakCells(columns: readonly Column[], row: readonly string[]): (readonly string[])[] {
  if (row.every((text, column) => measureWidth(text) <= widthOf(columns[column]!))) return [row];
  const broken = row.map((text, column) => {
    const width = widthOf(columns[column]!);
    if (measureWidth(text) <= width) return [text];
    return wrapAnsi(text, width, { hard: true })
      .split('\n')
      .filter((line) => line !== '');
  });
  const height = Math.max(...broken.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => broken.map((lines) => lines[line] ?? ''));
}

/** A cell is one line of plain text. */
function formatCell(value: string | number | undefined): string {
  return escapeControls(String(value ?? '').replaceAll(/\s*\n\s*/g, ' '));
}

/** Columns that a text takes on a terminal. Most texts are ASCII, for which the library is slow. */
function measureWidth(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

/** The columns of scores. The first score is the headline, and the later a score, the sooner it is left out. */
export function nameScores(scores: readonly { heading: string }[]): (string | Head)[] {
  return scores.map(({ heading }, i) =>
    i === 0 ? heading : { name: heading, leaveOut: 10 + scores.length - i },
  );
}

const BAR = 20;

/**
 * The progress of a long stage: ━━━━━━──────────────  31 %  1.2 M rows.
 * @param width the maximum number of characters; the bar is shortened first
 */
export function formatBar(
  {
    fraction,
    rows,
  }: {
    fraction: number;
    rows?: number | undefined;
  },
  width = Infinity,
): string {
  const share = Math.min(1, Math.max(0, fraction));
  const count = rows === undefined ? '' : `  ${shortCount(rows)} rows`;
  const text = `  ${Math.round(share * 100)} %${count}`;
  const length = Math.max(0, Math.min(BAR, width - text.length));
  const full = Math.round(share * length);
  return `${'━'.repeat(full)}${'─'.repeat(length - full)}${text}`.trimStart().slice(0, width);
}

/** A count as a person reads it: 950, 12.4 k, 1.2 M. */
function shortCount(rows: number): string {
  if (rows < 10_000) return String(rows);
  return rows < 1_000_000 ? `${(rows / 1_000).toFixed(1)} k` : `${(rows / 1e6).toFixed(1)} M`;
}

/** Milliseconds as a person reads them: 7 ms, 1.2 s, 3 min 20 s, 12 h. */
export function formatDuration(ms: number): string {
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
export function formatBytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(size, 1)) / 3), units.length - 1);
  return power === 0 ? `${size} B` : `${(size / 1_000 ** power).toFixed(1)} ${units[power]}`;
}

/** A score or a count in a table. Whole numbers above 1 have no digits after the point. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined) return '–';
  return Number.isInteger(value) && Math.abs(value) > 1 ? String(value) : formatScore(value);
}

const UNITS: [seconds: number, name: string][] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** How long ago a time was, in the largest unit that fits. @param at ISO 8601 */
export function formatAge(at: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(at)) / 1_000);
  const unit = UNITS.find(([length]) => seconds >= length);
  if (unit === undefined) return 'just now'; // the clock of another machine may be ahead
  const count = Math.floor(seconds / unit[0]);
  return `${count} ${unit[1]}${count === 1 ? '' : 's'} ago`;
}

/** A time to the minute as a clock in the time zone shows it, with its name: `2026-11-30 02:00 Europe/Berlin`. */
export function formatTime(at: string, timezone: string | null | undefined): string {
  const timeZone = timezone || 'UTC'; // Temporal's own default
  const format = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'short',
    timeZone,
  });
  return `${format.format(new Date(at))} ${timeZone}`;
}

/** A time to the minute in UTC, as people read it: `2026-11-30 02:00 UTC`. @param at ISO 8601 */
export function formatMinute(at: string): string {
  return formatTime(at, 'UTC');
}

/** A time to the minute, for a column whose head says UTC: `2026-11-30 02:00`. @param at ISO 8601 in UTC */
export function formatUtc(at: string): string {
  return at.replace('T', ' ').slice(0, 16);
}

/** A metric in a table. A count of rows is a whole number: 1 row is not a share of 1.0. */
export function formatMetric(name: string, value: unknown): string {
  if (typeof value !== 'number') return formatNumber(undefined);
  return name.endsWith('_rows') ? String(value) : formatNumber(value);
}

/** A table of the metrics that a person reads first. */
export function formatShownMetrics(metrics: Readonly<Record<string, unknown>>): string {
  const rows = listShownMetrics(metrics).map((name) => [name, formatMetric(name, metrics[name])]);
  return formatTable(['metric', 'value'], rows);
}

/** The names of the metrics that a person reads first, in their order. */
export function listShownMetrics(metrics: Readonly<Record<string, unknown>>): string[] {
  return [...findMetricSet(metrics).shown.filter((name) => name in metrics), 'test_rows'];
}
