import type { ScheduleOptions, ScheduleOptionsStartWorkflowAction } from '@temporalio/client';
import { BadParams } from '../../contract/failures.ts';
import type { nightly } from '../../workflows/index.ts';
import { plain } from '../../workflows/markdown.ts';

/** What a person asks of a schedule, with defaults filled in. */
export interface Wanted {
  pipeline: string;
  /** Five fields, or what else Temporal takes for a cron. */
  cron: string;
  /** IANA name. */
  timezone: string;
  jitter: string;
  catchup: string;
  note: string | undefined;
  set: Record<string, unknown>;
}

type NightlyAction = ScheduleOptionsStartWorkflowAction<typeof nightly>;

/** The id of a pipeline's schedule. */
export function scheduleIdOf(pipeline: string): string {
  return `${pipeline}-nightly`;
}

/** The pipeline of a schedule's id. */
export function pipelineOf(scheduleId: string): string {
  return scheduleId.replace(/-nightly$/, '');
}

/** Minutes and hours of `--at`, as a cron. @throws BadParams when it is no time of day */
export function cronAt(time: string): string {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (hour === undefined || minute === undefined)
    throw new BadParams(`--at ${time}: expected a time of day, such as 02:00`);
  return `${Number(minute)} ${Number(hour)} * * *`;
}

/**
 * What Temporal is to keep: one nightly at a time, what was missed while the server was down made up for
 * within the catch-up window, and a pause when one fails, for the next would only fail again.
 */
export function scheduleOf(
  { pipeline, cron, timezone, jitter, catchup, note, set }: Wanted,
  taskQueue: string,
): Omit<ScheduleOptions<NightlyAction>, 'scheduleId'> {
  return {
    spec: {
      // The server keeps what it makes of a cron, and the comment: so that is the cron once more.
      cronExpressions: [cron.includes('#') ? cron : `${cron} # ${cron}`],
      timezone,
      jitter: jitter as NonNullable<ScheduleOptions['spec']['jitter']>,
    },
    action: {
      type: 'startWorkflow',
      workflowType: 'nightly',
      workflowId: scheduleIdOf(pipeline),
      taskQueue,
      staticSummary: `${pipeline} · nightly`,
      staticDetails: nightlyDetails(pipeline),
      args: [{ pipeline, ...(Object.keys(set).length > 0 ? { params: set } : {}) }],
    },
    policies: {
      overlap: 'SKIP',
      catchupWindow: catchup as NonNullable<
        NonNullable<ScheduleOptions['policies']>['catchupWindow']
      >,
      pauseOnFailure: true,
    },
    ...(note === undefined ? {} : { state: { note } }),
  };
}

/** What a night is for, in Markdown, on its page in Temporal's Web UI. */
function nightlyDetails(pipeline: string): string {
  return [
    `Runs the batches of **${plain(pipeline)}** that have data and no version, in order. One that fails stops those after it, and pauses the schedule.`,
    `From a terminal: \`npm run client -- schedule describe --pipeline ${pipeline}\``,
  ].join('\n\n');
}
