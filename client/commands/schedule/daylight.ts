import type { ScheduleDescription } from '@temporalio/client';
import proto from '@temporalio/proto';
import { quoteWord, RETRAIN } from '../../../contract/command.ts';
import { SCHEDULE_DEFAULTS } from '../../../contract/nightly.ts';
import { flattenParams, formatParam } from '../../../contract/trials.ts';
import type { Session } from '../../session.ts';
import type { Wanted } from './definition.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 366 * 24 * HOUR;

/** The server is asked for the starts within this time before and after a change of the clocks. */
const WINDOW = 3 * HOUR;

/** A change of the clocks of a time zone. Local times are milliseconds, as if they were UTC. */
export interface ClockChange {
  /** The first moment of the new offset, in milliseconds since 1970. */
  at: number;
  /** The range of local times that do not exist or occur twice. The second time is not in it. */
  local: [from: number, to: number];
  kind: 'skipped' | 'repeated';
}

/**
 * Warns of starts in the coming year that a change to or from daylight saving time skips or doubles. The starts are
 * those that this server reports, because servers differ.
 */
export async function warnOfDaylight(
  { client, namespace }: Session,
  { scheduleId, raw, spec }: Pick<ScheduleDescription, 'scheduleId' | 'raw' | 'spec'>,
  wanted: Wanted,
  now = Date.now(),
): Promise<string[]> {
  const timezone = spec.timezone ?? 'UTC';
  const calendars = raw.schedule?.spec?.structuredCalendar ?? [];
  const warnings: string[] = [];
  for (const change of findClockChanges(timezone, now, now + YEAR)) {
    const { startTime } = await client.workflowService.listScheduleMatchingTimes({
      namespace,
      scheduleId,
      startTime: toTimestamp(change.at - WINDOW),
      endTime: toTimestamp(change.at + WINDOW),
    });
    const starts = (startTime ?? []).map(({ seconds }) => Number(seconds) * 1_000);
    const jitter = spec.jitter ?? 0;
    const planned = starts.map((start) => removeJitter(start, { jitter, calendars, timezone }));
    const warning = describeChange(change, planned, calendars, { ...wanted, timezone });
    if (warning !== undefined) warnings.push(warning);
  }
  return warnings;
}

function toTimestamp(time: number) {
  return proto.google.protobuf.Timestamp.fromObject({ seconds: Math.floor(time / 1_000) });
}

/** The changes of a time zone's clocks between two moments. */
export function findClockChanges(timezone: string, from: number, to: number): ClockChange[] {
  const toLocal = makeLocalClock(timezone);
  const offsetAt = (time: number): number => toLocal(time) - time;
  const changes: ClockChange[] = [];
  for (let time = from - (from % HOUR); time < to; time += 6 * HOUR) {
    const [before, after] = [offsetAt(time), offsetAt(time + 6 * HOUR)];
    if (before === after) continue;
    let [low, high] = [time, time + 6 * HOUR];
    while (high - low > 60_000) {
      const middle = low + Math.floor((high - low) / 120_000) * 60_000;
      if (offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    changes.push(
      after > before
        ? { at: high, kind: 'skipped', local: [high + before, high + after] }
        : { at: high, kind: 'repeated', local: [high + after, high + before] },
    );
  }
  return changes;
}

/** Returns a function that converts a moment, in whole minutes, to the local time in milliseconds. */
function makeLocalClock(timezone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (time) => {
    const parts = format.formatToParts(time);
    const read = (type: string): number =>
      Number(parts.find((part) => part.type === type)?.value ?? 0);
    return Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute'));
  };
}

/** The minute for which a start is planned: the server adds a random delay below the jitter. */
export function removeJitter(
  start: number,
  { jitter, calendars, timezone }: { jitter: number; calendars: Calendars; timezone: string },
): number {
  const toLocal = makeLocalClock(timezone);
  const minute = start - (start % MINUTE);
  for (let time = minute; time >= minute - jitter; time -= MINUTE)
    if (calendars.some((calendar) => matches(calendar, toLocal(time)))) return time;
  return minute;
}

type Calendars = NonNullable<
  NonNullable<NonNullable<ScheduleDescription['raw']['schedule']>['spec']>['structuredCalendar']
>;

/**
 * The warning for one change of the clocks.
 * @param starts the server's starts within three hours of it, without jitter
 * @returns undefined where each start happens once
 */
export function describeChange(
  { at, kind, local: [first, end] }: ClockChange,
  starts: readonly number[],
  calendars: Calendars,
  wanted: Wanted,
): string | undefined {
  // A schedule that starts every hour or more often needs no warning: one start more or less changes little.
  if (starts.length >= (2 * WINDOW) / HOUR - 1) return undefined;
  const { timezone } = wanted;
  const toLocal = makeLocalClock(timezone);
  const example = writeMovedCreate(wanted);
  const repair = `choose a time outside ${formatClock(first)}–${formatClock(end)}${example === undefined ? '' : `, such as "${example}"`}`;
  if (kind === 'repeated') {
    const twice = starts.map(toLocal).find((time, i, all) => all.indexOf(time) !== i);
    if (twice === undefined) return undefined;
    return `${formatClock(twice)} occurs twice in ${timezone} on ${formatDay(twice)}, and the schedule starts both times: ${repair}`;
  }
  const minutes = Array.from({ length: (end - first) / 60_000 }, (_, i) => first + i * 60_000);
  const skipped = minutes.find((time) => calendars.some((calendar) => matches(calendar, time)));
  // Instead, a server may start at a time that is not in the calendar.
  const moved = starts.some(
    (start) => start >= at && !calendars.some((calendar) => matches(calendar, toLocal(start))),
  );
  if (skipped === undefined || moved) return undefined;
  return `${formatClock(skipped)} does not exist in ${timezone} on ${formatDay(skipped)}, and the schedule does not start then: ${repair}`;
}

/** Whether a calendar, which the server derives from the cron expression, contains this local minute. */
function matches(calendar: Calendars[number], local: number): boolean {
  const date = new Date(local);
  const fields: [Range[] | null | undefined, number][] = [
    [calendar.minute, date.getUTCMinutes()],
    [calendar.hour, date.getUTCHours()],
    [calendar.dayOfMonth, date.getUTCDate()],
    [calendar.month, date.getUTCMonth() + 1],
    [calendar.dayOfWeek, date.getUTCDay()],
  ];
  const years = calendar.year ?? [];
  return (
    fields.every(([ranges, value]) => (ranges ?? []).some((range) => contains(range, value))) &&
    (years.length === 0 || years.some((range) => contains(range, date.getUTCFullYear())))
  );
}

interface Range {
  start?: number | null;
  end?: number | null;
  step?: number | null;
}

/** An end before the start is the start, and a step of 0 is 1. */
function contains({ start, end, step }: Range, value: number): boolean {
  const first = start ?? 0;
  const last = Math.max(first, end ?? 0);
  return value >= first && value <= last && (value - first) % (step || 1) === 0;
}

/**
 * The command that creates the same schedule with its starts after 4 o'clock. Undefined for a cron expression that does
 * not start at one hour of the day.
 */
function writeMovedCreate({
  pipeline,
  cron,
  timezone,
  note,
  set,
  ...rules
}: Wanted): string | undefined {
  const [, minute, days] = /^([\d,*/-]+) \d+ (.+)$/.exec(cron) ?? [];
  if (minute === undefined) return undefined;
  const isDaily = days === '* * *' && /^\d+$/.test(minute);
  const { jitter, catchup } = SCHEDULE_DEFAULTS;
  const flags = [
    ['at', isDaily ? `04:${minute.padStart(2, '0')}` : undefined],
    ['cron', isDaily ? undefined : `${minute} 4 ${days}`],
    ['timezone', timezone],
    ['pipeline', pipeline],
    ['jitter', rules.jitter === jitter ? undefined : rules.jitter],
    ['catchup', rules.catchup === catchup ? undefined : rules.catchup],
    ['note', note],
    ...Object.entries(flattenParams(set)).map(([name, value]) => [
      'set',
      `${name}=${formatParam(value)}`,
    ]),
  ];
  return [
    `${RETRAIN} schedule create`,
    ...flags.flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name} ${quoteWord(value)}`],
    ),
  ].join(' ');
}

function formatClock(local: number): string {
  return new Date(local).toISOString().slice(11, 16);
}

function formatDay(local: number): string {
  return new Date(local).toISOString().slice(0, 10);
}
