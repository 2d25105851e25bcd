import type { Config } from '../config/environment.ts';
import { paramsOf } from '../contract/params.ts';
import { duration, table } from './display.ts';
import { printJson } from './print.ts';
import { putSchedule } from './schedule/create.ts';
import { notThere, shownOf, type Shown } from './schedule/show.ts';
import { pipelineOf, scheduleIdOf, type Wanted } from './schedule/spec.ts';
import { openSession, type Session } from './session.ts';

interface Common {
  pipeline: string;
  json?: boolean | undefined;
}

export type ScheduleVerb = 'describe' | 'pause' | 'resume' | 'trigger' | 'delete';

/** `schedule create`: a nightly for a pipeline, made so if there is one. */
export async function createSchedule(config: Config, wanted: Wanted & Common): Promise<number> {
  // Better said now than at night.
  paramsOf(config.params, wanted.set);
  return within(config, async (session) => {
    const { created, description } = await putSchedule(session, wanted);
    const shown = await shownOf(session, description);
    if (wanted.json === true) printJson({ created, ...shown });
    else print(shown, created ? 'created' : 'updated');
  });
}

/** `schedule list`: every nightly of the namespace. */
export async function listSchedules(
  config: Config,
  { json }: Pick<Common, 'json'>,
): Promise<number> {
  return within(config, async ({ client }) => {
    const schedules: {
      schedule: string;
      paused: boolean;
      note: string | null;
      next: string | null;
    }[] = [];
    for await (const { scheduleId, action, state, info } of client.schedule.list()) {
      if (action?.type !== 'startWorkflow' || action.workflowType !== 'nightly') continue;
      schedules.push({
        schedule: scheduleId,
        paused: state.paused,
        note: state.note ?? null,
        next: info.nextActionTimes[0]?.toISOString() ?? null,
      });
    }
    if (json === true) return printJson({ schedules });
    const rows = schedules.map(({ schedule, paused, note, next }) => [
      schedule,
      paused ? 'paused' : 'on',
      next ?? 'never',
      note ?? '',
    ]);
    process.stdout.write(`${table(['schedule', 'state', 'next', 'note'], rows)}\n`);
  });
}

/** The other verbs, on a pipeline's own schedule. */
export async function onSchedule(
  config: Config,
  verb: ScheduleVerb,
  { pipeline, note, json }: Common & { note?: string | undefined },
): Promise<number> {
  return within(config, async (session) => {
    const scheduleId = scheduleIdOf(pipeline);
    const handle = session.client.schedule.getHandle(scheduleId);
    try {
      if (verb === 'pause') await handle.pause(note ?? 'paused by the client');
      if (verb === 'resume') await handle.unpause(note ?? 'resumed by the client');
      // Unless it is told to, a trigger goes by no rule: two could run at once, and a failure pause nothing.
      if (verb === 'trigger') await handle.trigger('SKIP');
      if (verb === 'delete') {
        await handle.delete();
        if (json === true) printJson({ schedule: scheduleId, deleted: true });
        else process.stdout.write(`${scheduleId} deleted\n`);
        return;
      }
      const shown = await shownOf(session, await handle.describe());
      if (json === true) printJson(shown);
      else print(shown, verb === 'trigger' ? 'triggered' : undefined);
    } catch (error) {
      throw notThere(error, scheduleId);
    }
  });
}

async function within(config: Config, use: (session: Session) => Promise<void>): Promise<number> {
  const session = await openSession(config, { check: ['temporal'] });
  try {
    await use(session);
    return 0;
  } finally {
    await session.close();
  }
}

function print(shown: Shown, done?: string): void {
  const { schedule, cron, timezone, paused, note, next, last, rules } = shown;
  const lines = [
    `${schedule}${done === undefined ? '' : ` ${done}`}: ${cron ?? ''} ${timezone ?? ''}${paused ? ', paused' : ''}`,
    ...(note === null || note === '' ? [] : [`note  ${note}`]),
    `rules ${rulesOf(rules)}`,
    ...(paused
      ? [
          `next  none until it is resumed: npm run client -- schedule resume --pipeline ${pipelineOf(schedule)}`,
        ]
      : next.map((time) => `next  ${time}`)),
    ...last.map(({ workflowId, status, said }) => `last  ${workflowId} ${status}  ${said}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function rulesOf({ overlap, catchupMs, pauseOnFailure, jitterMs }: Shown['rules']): string {
  return [
    overlap === 'SKIP' ? 'none starts while one runs (overlap SKIP)' : `overlap ${overlap}`,
    `a missed one is made up for within ${duration(catchupMs)}`,
    `starts are spread over ${duration(jitterMs)}`,
    pauseOnFailure ? 'a failure pauses it' : 'a failure does not pause it',
  ].join(', ');
}
