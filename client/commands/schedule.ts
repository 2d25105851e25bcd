import { Command } from 'commander';
import { BadParams } from '../../contract/failures.ts';
import { setArgument } from '../arguments.ts';
import type { ScheduleVerb } from '../schedule.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

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
  ['describe', 'show it, its next nights and what came of the last'],
  ['pause', 'let it start nothing until it is resumed'],
  ['resume', 'let it go on'],
  ['trigger', 'start a nightly now, unless one runs'],
  ['delete', 'remove it; nightlies under way go on'],
];

export function scheduleCommand(context: CommandContext): Command {
  const schedule = new Command('schedule')
    .description('a nightly for a pipeline, as a Temporal Schedule')
    .addHelpText('after', examples('schedule create --timezone Europe/Berlin', 'schedule list'))
    .addCommand(createCommand(context))
    .addCommand(listCommand(context));
  for (const [verb, description] of VERBS)
    schedule.addCommand(verbCommand(context, verb, description));
  return schedule;
}

function createCommand(context: CommandContext): Command {
  return pipelineCommand('create', 'create it, or change it to this; a pause stays')
    .option('--at <HH:MM>', 'every day at this time (default: 02:00)')
    .option('--cron <expression>', 'or by a cron, such as "0 2 * * 1-5"')
    .option(
      '--timezone <name>',
      'an IANA name, such as Europe/Berlin (default: that of this machine)',
    )
    .option('--jitter <duration>', 'a random delay of up to this', '1m')
    .option('--catchup <duration>', 'make up for a night missed this long ago at most', '12h')
    .option('--note <text>', 'for whoever looks at it')
    .option('--set <key=value>', 'override a param for its runs; repeatable', setArgument)
    .addHelpText('after', examples('schedule create --at 03:30 --timezone Europe/Berlin'))
    .action(async ({ pipeline, at, cron, timezone, set, note, ...flags }: CreateFlags) => {
      if (at !== undefined && cron !== undefined)
        throw new BadParams('--at and --cron both say when: give one of them');
      const { createSchedule } = await import('../schedule.ts');
      const { cronAt } = await import('../schedule/spec.ts');
      const config = context.configure(pipeline);
      process.exitCode = await createSchedule(config, {
        ...flags,
        pipeline: config.pipeline,
        cron: cron ?? cronAt(at ?? '02:00'),
        timezone: timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
        note,
        set: set ?? {},
      });
    });
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .description('list the nightlies of the namespace')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('schedule list --json'))
    .action(async ({ json }: { json?: boolean }) => {
      const { listSchedules } = await import('../schedule.ts');
      process.exitCode = await listSchedules(context.configure(), { json });
    });
}

function verbCommand(context: CommandContext, verb: ScheduleVerb, description: string): Command {
  return pipelineCommand(verb, description)
    .option('--note <text>', 'for whoever looks at it')
    .addHelpText('after', examples(`schedule ${verb} --pipeline sales`))
    .action(async ({ pipeline, note, json }: CommonFlags & { note?: string }) => {
      const { onSchedule } = await import('../schedule.ts');
      const config = context.configure(pipeline);
      const asked = { pipeline: config.pipeline, note, json };
      process.exitCode = await onSchedule(config, verb, asked);
    });
}
