import {
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
  type ScheduleOptions,
  type ScheduleOptionsStartWorkflowAction,
  isGrpcServiceError,
} from '@temporalio/client';
import type { Session } from '../../session.ts';
import { BadParams, messageOf } from '../../../contract/failures.ts';
import type { nightly } from '../../../workflows/index.ts';
import { plain } from '../../../workflows/markdown.ts';

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

/**
 * Creates a pipeline's schedule, or makes the one that is there so. A pause, and the note it was paused
 * with, stay as they are: whoever paused it meant the nights, not this command line.
 * @throws BadParams when the server does not take the cron or the time zone, or it would never fire: then
 *   nothing is left changed
 */
export async function putSchedule(
  { client, config }: Session,
  wanted: Wanted,
): Promise<{ created: boolean; description: ScheduleDescription }> {
  const scheduleId = scheduleIdOf(wanted.pipeline);
  const options = scheduleOf(wanted, config.taskQueue);
  const handle = client.schedule.getHandle(scheduleId);
  let before: ScheduleDescription | undefined;
  try {
    await client.schedule.create({ scheduleId, ...options });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw sentenceFor(error, wanted);
    before = await handle.describe();
    await replace(handle, options, wanted);
  }
  const description = await handle.describe();
  if (description.info.nextActionTimes.length > 0)
    return { created: before === undefined, description };
  if (before === undefined) await handle.delete();
  else await handle.update(() => asUpdate(before));
  throw new BadParams(`${wanted.cron} (${wanted.timezone}) never comes: choose a day that exists`);
}

async function replace(
  handle: ScheduleHandle,
  options: ReturnType<typeof scheduleOf>,
  wanted: Wanted,
): Promise<void> {
  try {
    await handle.update(({ state }) => {
      const { paused, note } = state;
      const kept = paused || wanted.note === undefined ? note : wanted.note;
      return { ...options, state: { paused, ...(kept === undefined ? {} : { note: kept }) } };
    });
  } catch (error) {
    throw sentenceFor(error, wanted);
  }
}

function asUpdate({ spec, action, policies, state }: ScheduleDescription) {
  return { spec, action, policies, state };
}

/** The server's own words on a spec it does not take. */
function sentenceFor(error: unknown, { cron, timezone }: Wanted): unknown {
  const said = isGrpcServiceError(error) ? error.details : messageOf(error);
  if (!/cron|time ?zone|calendar|schedule spec/i.test(said)) return error;
  return new BadParams(
    `the schedule "${cron}" in time zone ${timezone} is not one (${said}): mend --cron, --at or --timezone`,
    { cause: error },
  );
}
