import type { DatePart } from '../../contract/defaults.ts';

/** ISO 8601: a day, or a day with a time, which may have an offset from UTC. */
const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

const SECONDS_A_DAY = 86_400;

/**
 * The days since 1970-01-01T00:00Z of an ISO 8601 date (`2024-02-29`, `2024-02-29T12:30:00.5+01:00`), with a fraction
 * for the time. A time without an offset is UTC. Null for any other text, such as a day that no month has.
 */
export function parseDate(cell: string): number | null {
  const found = DATE.exec(cell.trim());
  if (found === null) return null;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const [hour, minute, second] = [found[4], found[5], found[6]].map((part = '0') => Number(part));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have is a day of another month.
  if (year === 0 || date.getUTCMonth() !== month - 1) return null;
  if (hour! > 23 || minute! > 59 || second! > 59) return null;
  const offset = parseOffset(found[8]);
  if (offset === null) return null;
  const seconds = hour! * 3600 + minute! * 60 + second! - offset * 60;
  const fraction = found[7] === undefined ? 0 : Number(`0.${found[7]}`);
  return countDays(date.getTime() / (SECONDS_A_DAY * 1000), seconds, fraction);
}

/** The days of a point in time, the same float64 as {@link parseDate} gives for its text. */
export function toDays(time: Date): number {
  const milliseconds = time.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  return countDays(0, seconds, (milliseconds - seconds * 1000) / 1000);
}

/** The loader of logged models computes the same steps, so that both give the same float64. */
function countDays(days: number, seconds: number, fraction: number): number {
  const more = Math.floor(seconds / SECONDS_A_DAY);
  return days + more + (seconds - more * SECONDS_A_DAY + fraction) / SECONDS_A_DAY;
}

/** Minutes east of UTC; null for an offset that no time zone has. */
function parseOffset(text: string | undefined): number | null {
  if (text === undefined || text === 'Z') return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))];
  if (hours > 23 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** A part of a date in UTC. Monday is weekday 0. */
export function findDatePart(days: number, part: DatePart): number {
  const whole = Math.floor(days);
  if (part === 'hour')
    return Math.min(23, Math.floor(Math.round((days - whole) * SECONDS_A_DAY) / 3600));
  // 1970-01-01 was a Thursday.
  if (part === 'weekday') return (((whole + 3) % 7) + 7) % 7;
  const date = new Date(whole * SECONDS_A_DAY * 1000);
  if (part === 'year') return date.getUTCFullYear();
  return part === 'month' ? date.getUTCMonth() + 1 : date.getUTCDate();
}

/** Writes days since 1970 as a date of ISO 8601, with a time if it is not midnight. */
export function formatDays(days: number): string {
  const text = new Date(Math.round(days * SECONDS_A_DAY) * 1000).toISOString();
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.slice(0, 16);
}
