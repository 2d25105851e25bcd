import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { findMetricSet, formatScore } from '../contract/metric-sets.ts';
import { escapeControls } from '../contract/controls.ts';
import { onStdout } from './print.ts';

/**
 * A table for stdout: columns aligned, numbers to the right, no lines between rows.
 * @param room the columns of the terminal; a wider table gets heads of several lines, then narrower gaps, and then
 *   cells of several lines in its widest column of words
 */
export function formatTable(
  head: string[],
  rows: (string | number)[][],
  room = process.stdout.isTTY ? process.stdout.columns || Infinity : Infinity,
): string {
  const names = head.map(formatCell);
  const cells = rows.map((row) => head.map((_, column) => formatCell(row[column])));
  const columns = names.map((name, column): Column => {
    const texts = cells.map((row) => row[column]!);
    const width = texts.reduce((most, text) => Math.max(most, measureWidth(text)), 0);
    return {
      name: [name],
      width,
      numeric: texts.every((text) => /^(?:[\d.,%+–−-]| %|\de[+-]?\d)*$/.test(text)),
    };
  });
  const measure = (all: readonly Column[]): number =>
    all.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length);
  if (measure(columns) <= room) return layTable(columns, cells, GAP);
  const narrow = columns.map(({ name, width, numeric }) => ({
    name: breakHead(name[0]!, width),
    width,
    numeric,
  }));
  if (measure(narrow) <= room) return layTable(narrow, cells, GAP);
  const excess = measure(narrow) - (GAP.length - 1) * (narrow.length - 1) - room;
  return layTable(excess > 0 ? shrinkWidest(narrow, excess) : narrow, cells, ' ');
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

function shrinkWidest(columns: readonly Column[], excess: number): Column[] {
  const words = columns.filter(({ numeric }) => !numeric);
  const widest = Math.max(0, ...words.map(widthOf));
  const at = columns.findIndex((column) => !column.numeric && widthOf(column) === widest);
  const width = Math.max(LEAST_WIDTH, widest - excess);
  if (at < 0 || width >= widest) return [...columns];
  return columns.map((column, i) =>
    i === at ? { ...column, name: breakHead(column.name.join(' '), width), width } : column,
  );
}

interface Column {
  /** The lines of its head. */
  name: string[];
  /** Of its widest cell. */
  width: number;
  numeric: boolean;
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
        const space = ' '.repeat(widths[column]! - measureWidth(text));
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
    ...cells.flatMap((row) => breakCells(columns, row)).map((row) => lineOf(row)),
  ].join('\n');
}

/** The lines of a row: more than one where a cell is wider than its column. */
function breakCells(columns: readonly Column[], row: readonly string[]): (readonly string[])[] {
  if (row.every((text, column) => measureWidth(text) <= widthOf(columns[column]!))) return [row];
  const broken = row.map((text, column) =>
    wrapAnsi(text, widthOf(columns[column]!), { hard: true })
      .split('\n')
      .filter((line) => line !== ''),
  );
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
