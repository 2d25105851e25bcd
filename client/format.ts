import { stripVTControlCharacters } from 'node:util';
import { scoreDigits } from '../contract/score-digits.ts';
import { onStdout } from './print.ts';

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
  return rows === undefined ? line : `${line}  ${shortCount(rows)} rows`;
}

/** A count as a person reads it: 950, 12.4 k, 1.2 M. */
function shortCount(rows: number): string {
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

const PLAIN = /^[\x20-\x7e]*$/;

/** Characters of East Asian scripts, and pictures: two columns wide. http://www.unicode.org/reports/tr11/ */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

let characters: Intl.Segmenter | undefined;

/** Columns a text takes on a terminal, colours aside. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  characters ??= new Intl.Segmenter();
  let width = 0;
  for (const { segment } of characters.segment(stripVTControlCharacters(text)))
    width += WIDE.test(segment) ? 2 : 1;
  return width;
}

const UNITS: [seconds: number, name: string][] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** How long ago a time was, in the largest unit that fits. @param at ISO 8601 */
export function ago(at: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(at)) / 1_000);
  const unit = UNITS.find(([length]) => seconds >= length);
  if (unit === undefined) return 'just now'; // another machine's clock may even be ahead
  const count = Math.floor(seconds / unit[0]);
  return `${count} ${unit[1]}${count === 1 ? '' : 's'} ago`;
}
