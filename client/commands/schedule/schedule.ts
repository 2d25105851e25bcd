import { Command } from 'commander';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { withSet } from '../../arguments.ts';
import { formatDuration, formatTable, formatTime } from '../../format.ts';
import { foldText, print, printJson, say } from '../../print.ts';
import { readRunParams, type Session, withSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import { BadParams, messageOf } from '../../../contract/failures.ts';
import { SCHEDULE_DEFAULTS } from '../../../contract/nightly.ts';
import type { Wanted } from './definition.ts';
import type { Shown } from './show.ts';
import { RETRAIN } from '../../../contract/command.ts';

interface CreateFlags extends CommonFlags {
  at?: string;
  cron?: string;
  timezone?: string;
  jitter: string;
  catchup: string;
  note?: string;
  set?: Record<string, unknown>;
}

const VERBS: [ScheduleVerb, string][] = [
  ['describe', 'show the schedule, its next starts and its last results'],
  ['pause', 'start no nightly until "schedule resume"'],
  ['resume', 'start nightlies again after a pause'],
  ['trigger', 'start a nightly now, unless one is running'],
  ['delete', 'remove the schedule; running nightlies continue'],
];

export function scheduleCommand(context: CommandContext): Command {
  const schedule = new Command('schedule')
    .addHelpText('after', examples('schedule create --timezone Europe/Berlin', 'schedule list'))
    .addCommand(createCommand(context))
    .addCommand(listCommand(context));
  for (const [verb, description] of VERBS)
    schedule.addCommand(verbCommand(context, verb, description));
  return schedule;
}

function createCommand(context: CommandContext): Command {
  const description = 'create the schedule of a pipeline, or change it; a paused one stays paused';
  const create = pipelineCommand('create', description);
  return withSet(create, 'override a param for its runs; repeatable')
    .option('--at <HH:MM>', 'every day at this time (default: 04:30)')
    .option('--cron <expression>', 'at the times of a cron expression, such as "30 4 * * 1-5"')
    .option(
      '--timezone <name>',
      'an IANA name, such as Europe/Berlin (default: that of this machine)',
    )
    .option('--jitter <duration>', 'the maximum random delay', SCHEDULE_DEFAULTS.jitter)
    .option(
      '--catchup <duration>',
      'how late a missed start may still run',
      SCHEDULE_DEFAULTS.catchup,
    )
    .option('--note <text>', 'a note, shown with the schedule')
    .addHelpText('after', examples('schedule create --at 05:00 --timezone Europe/Berlin'))
    .action(async ({ pipeline, at, cron, timezone, set, note, ...flags }: CreateFlags) => {
      if (at !== undefined && cron !== undefined)
        throw new BadParams('--at and --cron are both given: give one of them');
      const { parseTime } = await import('./definition.ts');
      const config = await context.configure(pipeline, set);
      process.exitCode = await createSchedule(config, {
        ...flags,
        pipeline: config.pipeline,
        cron: cron ?? parseTime(at ?? '04:30'),
        timezone: timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
        note,
        set: set ?? {},
      });
    });
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .description('list the schedules of the namespace')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('schedule list --json'))
    .action(async ({ json }: { json?: boolean }) => {
      process.exitCode = await listSchedules(await context.configure(), { json });
    });
}

function verbCommand(context: CommandContext, verb: ScheduleVerb, description: string): Command {
  const command = pipelineCommand(verb, description);
  if (verb === 'pause' || verb === 'resume')
    command.option('--note <text>', 'a note, shown with the schedule');
  return command
    .addHelpText('after', examples(`schedule ${verb} --pipeline sales`))
    .action(async ({ pipeline, note, json }: CommonFlags & { note?: string }) => {
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, note, json };
      process.exitCode = await changeSchedule(config, verb, asked);
    });
}

interface Common {
  pipeline: string;
  json?: boolean | undefined;
}

export type ScheduleVerb = 'describe' | 'pause' | 'resume' | 'trigger' | 'delete';

/** `schedule create`: creates the schedule of a pipeline, or updates it. */
export async function createSchedule(config: Config, wanted: Wanted & Common): Promise<number> {
  const { warnOfDaylight } = await import('./daylight.ts');
  const { putSchedule } = await import('./definition.ts');
  const { readSchedule } = await import('./show.ts');
  return withTemporal(config, async (session) => {
    // The check shows a wrong param now, and not at night.
    await readRunParams(session, wanted.set);
    const { created, description } = await putSchedule(session, wanted);
    const shown = await readSchedule(session, description);
    // The schedule exists, so a server that cannot list its starts does not fail the command.
    const warnings = await warnOfDaylight(session, description, wanted).catch((error: unknown) => [
      `the starts at changes of the clocks could not be checked (${messageOf(error)})`,
    ]);
    if (wanted.json === true) printJson({ created, ...shown, warnings });
    else {
      printSchedule(shown, created ? 'created' : 'updated');
      for (const warning of warnings) say(warning, 'warning');
    }
  });
}

/** `schedule list`: the schedules of the namespace. */
export async function listSchedules(
  config: Config,
  { json }: Pick<Common, 'json'>,
): Promise<number> {
  return withTemporal(config, async ({ client }) => {
    const schedules: {
      schedule: string;
      paused: boolean;
      note: string | null;
      timezone: string | null;
      next: string | null;
    }[] = [];
    for await (const { scheduleId, action, state, info, spec } of client.schedule.list()) {
      if (action?.type !== 'startWorkflow' || action.workflowType !== 'nightly') continue;
      schedules.push({
        schedule: scheduleId,
        paused: state.paused,
        note: state.note ?? null,
        timezone: spec?.timezone ?? null,
        next: info.nextActionTimes[0]?.toISOString() ?? null,
      });
    }
    if (json === true) return printJson({ schedules });
    if (schedules.length === 0)
      return say(`no schedule is there: create one with "${RETRAIN} schedule create"`);
    const rows = schedules.map(({ schedule, paused, note, timezone, next }) => [
      schedule,
      paused ? 'paused' : 'on',
      next === null ? 'never' : formatTime(next, timezone),
      note ?? '',
    ]);
    print(formatTable(['schedule', 'state', 'next', 'note'], rows));
  });
}

/** The other verbs, on the schedule of one pipeline. */
export async function changeSchedule(
  config: Config,
  verb: ScheduleVerb,
  { pipeline, note, json }: Common & { note?: string | undefined },
): Promise<number> {
  const { makeScheduleId } = await import('./definition.ts');
  const { notThere, readSchedule } = await import('./show.ts');
  return withTemporal(config, async (session) => {
    const scheduleId = makeScheduleId(pipeline);
    const handle = session.client.schedule.getHandle(scheduleId);
    try {
      if (verb === 'pause') await handle.pause(note ?? 'paused by the client');
      if (verb === 'resume') await handle.unpause(note ?? 'resumed by the client');
      // Without SKIP a trigger ignores the overlap rule: two nightlies could run at the same time.
      if (verb === 'trigger') await handle.trigger('SKIP');
      if (verb === 'delete') {
        await handle.delete();
        if (json === true) printJson({ schedule: scheduleId, deleted: true });
        else print(`${scheduleId} deleted`);
        return;
      }
      const shown = await readSchedule(session, await handle.describe());
      if (json === true) printJson(shown);
      else printSchedule(shown, verb === 'trigger' ? 'triggered' : undefined);
    } catch (error) {
      throw notThere(error, { scheduleId, pipeline });
    }
  });
}

async function withTemporal(
  config: Config,
  use: (session: Session) => Promise<void>,
): Promise<number> {
  return withSession(config, ['temporal'], async (session) => {
    await use(session);
    return 0;
  });
}

function printSchedule(shown: Shown, done?: string): void {
  const { schedule, cron, timezone, paused, note, next, last, rules } = shown;
  const line = (name: string, text: string): string => `${name.padEnd(5)} ${foldText(text, 6)}`;
  const lines = [
    `${schedule}${done === undefined ? '' : ` ${done}`}: ${cron ?? ''} ${timezone ?? ''}${paused ? ', paused' : ''}`,
    ...(note === null || note === '' ? [] : [line('note', note)]),
    line('rules', describeRules(rules)),
    ...(paused
      ? [
          line(
            'next',
            `none until it is resumed: ${RETRAIN} schedule resume --pipeline ${parsePipelineName(schedule)}`,
          ),
        ]
      : next.map((time) => line('next', formatTime(time, timezone)))),
    ...last.map(({ workflowId, status, said }) => line('last', `${workflowId} ${status}  ${said}`)),
  ];
  print(lines.join('\n'));
}

function describeRules({ overlap, catchupMs, pauseOnFailure, jitterMs }: Shown['rules']): string {
  return [
    overlap === 'SKIP' ? 'none starts while one runs (overlap SKIP)' : `overlap ${overlap}`,
    `a missed start runs within ${formatDuration(catchupMs)}`,
    `starts are spread over ${formatDuration(jitterMs)}`,
    pauseOnFailure ? 'a failure pauses it' : 'a failure does not pause it',
  ].join(', ');
}

/** The pipeline that a schedule id belongs to. */
function parsePipelineName(scheduleId: string): string {
  return scheduleId.replace(/-nightly$/, '');
}
