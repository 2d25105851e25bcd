import { describe, expect, it } from 'vitest';
import {
  describeChange,
  findClockChanges,
  removeJitter,
  type ClockChange,
} from '../../../client/commands/schedule/daylight.ts';

const at = (text: string): number => Date.parse(text);
const year = (timezone: string): ClockChange[] =>
  findClockChanges(timezone, at('2027-01-01T00:07:00Z'), at('2028-01-01T00:07:00Z'));

describe("the changes of a time zone's clocks in a year", () => {
  it.each([
    [
      'Europe/Berlin',
      ['skipped', '2027-03-28T01:00Z', '02:00', '03:00'],
      ['repeated', '2027-10-31T01:00Z', '02:00', '03:00'],
    ],
    [
      'America/New_York',
      ['skipped', '2027-03-14T07:00Z', '02:00', '03:00'],
      ['repeated', '2027-11-07T06:00Z', '01:00', '02:00'],
    ],
    [
      'Australia/Lord_Howe', // half an hour
      ['repeated', '2027-04-03T15:00Z', '01:30', '02:00'],
      ['skipped', '2027-10-02T15:30Z', '02:00', '02:30'],
    ],
    ['UTC'],
    ['Asia/Tokyo'],
  ])('are found in %s', (timezone, ...changes) => {
    const clock = (local: number): string => new Date(local).toISOString().slice(11, 16);
    const found = year(timezone).map(({ kind, at: moment, local }) => [
      kind,
      `${new Date(moment).toISOString().slice(0, 16)}Z`,
      ...local.map(clock),
    ]);
    expect(found).toEqual(changes);
  });
});

describe('a start in the night in which the clocks change', () => {
  const [spring, autumn] = year('Europe/Berlin') as [ClockChange, ClockChange];
  const wanted = {
    pipeline: 'wine',
    cron: '30 2 * * *',
    timezone: 'Europe/Berlin',
    jitter: '1m',
    catchup: '12h',
    note: undefined as string | undefined,
    set: {},
  };
  /** A cron expression as the server describes it. */
  const calendar = (hour: number, minute: number) => [
    {
      minute: [{ start: minute }],
      hour: [{ start: hour }],
      dayOfMonth: [{ start: 1, end: 31 }],
      month: [{ start: 1, end: 12 }],
      dayOfWeek: [{ end: 6 }],
    },
  ];

  it('is named where it does not exist', () => {
    expect(describeChange(spring, [], calendar(2, 30), wanted)).toMatch(
      /^02:30 does not exist in Europe\/Berlin on 2027-03-28, .*: choose a time outside 02:00–03:00, such as "npx retrain schedule create --at 04:30 --timezone Europe\/Berlin --pipeline wine"$/,
    );
    const [mondays] = calendar(2, 30);
    const never = [{ ...mondays!, dayOfWeek: [{ start: 1 }] }]; // the clocks change on a Sunday
    expect(describeChange(spring, [], never, wanted)).toBeUndefined();
  });

  it('is named with the command that creates the same schedule at another time', () => {
    const nameIt = (changed: Partial<typeof wanted>) =>
      describeChange(spring, [], calendar(2, 30), { ...wanted, ...changed });
    const own = {
      cron: '30 2 * * 1-5',
      jitter: '5m',
      catchup: '1h',
      note: "the team's",
      set: { model: { max_depth: 3 } },
    };
    expect(nameIt(own)).toContain(
      String.raw`such as "npx retrain schedule create --cron '30 4 * * 1-5' --timezone Europe/Berlin --pipeline wine --jitter 5m --catchup 1h --note 'the team'\''s' --set model.max_depth=3"`,
    );
    expect(nameIt({ cron: '30 2,3 * * *' })).toMatch(/: choose a time outside 02:00–03:00$/);
  });

  it('is not named where the server starts at another time instead', () => {
    const moved = [at('2027-03-28T01:30:00Z')]; // 03:30
    expect(describeChange(spring, moved, calendar(2, 30), wanted)).toBeUndefined();
  });

  it('is named where the server starts twice', () => {
    const starts = [at('2027-10-31T00:30:00Z'), at('2027-10-31T01:30:00Z')];
    expect(describeChange(autumn, starts, calendar(2, 30), wanted)).toMatch(
      /^02:30 occurs twice in Europe\/Berlin on 2027-10-31, and the schedule starts both times/,
    );
    expect(describeChange(autumn, starts.slice(1), calendar(2, 30), wanted)).toBeUndefined();
  });

  it('is found behind the jitter that the server adds', () => {
    const jittered = [at('2027-11-07T05:38:12Z'), at('2027-11-07T06:59:40Z')];
    const half = { jitter: 1_800_000, calendars: calendar(1, 30), timezone: 'America/New_York' };
    const planned = jittered.map((start) => removeJitter(start, half));
    expect(planned).toEqual([at('2027-11-07T05:30:00Z'), at('2027-11-07T06:30:00Z')]);
    const [, change] = year('America/New_York');
    expect(
      describeChange(change!, planned, half.calendars, { ...wanted, timezone: half.timezone }),
    ).toMatch(/^01:30 occurs twice in America\/New_York on 2027-11-07/);
  });

  it('is not named at another hour, or where it starts all day', () => {
    const half = [at('2027-03-28T02:30:00Z')];
    expect(describeChange(spring, half, calendar(4, 30), wanted)).toBeUndefined();
    const hourly = Array.from({ length: 6 }, (_, i) => at('2027-10-30T22:00:00Z') + i * 3_600_000);
    expect(describeChange(autumn, hourly, calendar(2, 0), wanted)).toBeUndefined();
  });
});
