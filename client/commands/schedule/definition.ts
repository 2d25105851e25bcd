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
import { escapeMarkdown } from '../../../contract/markdown.ts';
import { RETRAIN } from '../../../contract/command.ts';

/** The schedule that a person asks for, with defaults filled in. */
export interface Wanted {
  pipeline: string;
  /** Five fields, or another cron expression that Temporal accepts. */
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
export function makeScheduleId(pipeline: string): string {
  return `${pipeline}-nightly`;
}

/** The time of day in `--at` as a cron expression. @throws BadParams when it is not a time of day */
export function parseTime(time: string): string {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (hour === undefined || minute === undefined)
    throw new BadParams(`--at ${time}: expected a time of day, such as 04:30`);
  return `${Number(minute)} ${Number(hour)} * * *`;
}

/**
 * The options of Temporal's schedule. One nightly runs at a time. A start that was missed while the server was
 * down runs within the catch-up window. A failure pauses the schedule, because the next nightly would fail too.
 */
export function makeSchedule(
  { pipeline, cron, timezone, jitter, catchup, note, set }: Wanted,
  taskQueue: string,
): Omit<ScheduleOptions<NightlyAction>, 'scheduleId'> {
  return {
    spec: {
      // The server keeps the parsed cron and its comment. The comment repeats the cron, so that it can be shown.
      cronExpressions: [cron.includes('#') ? cron : `${cron} # ${cron}`],
      timezone,
      jitter: jitter as NonNullable<ScheduleOptions['spec']['jitter']>,
    },
    action: {
      type: 'startWorkflow',
      workflowType: 'nightly',
      workflowId: makeScheduleId(pipeline),
      taskQueue,
      staticSummary: `${pipeline} · nightly`,
      staticDetails: describeNightly(pipeline),
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

/** The purpose of a nightly in Markdown, for its page in Temporal's Web UI. */
function describeNightly(pipeline: string): string {
  return [
    `Runs the batches of **${escapeMarkdown(pipeline)}** that have data and no version, in order. One that fails stops those after it, and pauses the schedule.`,
    `From a terminal: \`${RETRAIN} schedule describe --pipeline ${pipeline}\``,
  ].join('\n\n');
}

/**
 * Creates the schedule of a pipeline, or updates it. A pause and its note stay: an update does not undo the
 * decision to pause.
 * @throws BadParams when the server refuses the cron expression or the time zone, or when the schedule would
 *   never start anything; then nothing has changed
 */
export async function putSchedule(
  { client, config }: Session,
  wanted: Wanted,
): Promise<{ created: boolean; description: ScheduleDescription }> {
  const scheduleId = makeScheduleId(wanted.pipeline);
  const options = makeSchedule(wanted, config.taskQueue);
  const handle = client.schedule.getHandle(scheduleId);
  let before: ScheduleDescription | undefined;
  try {
    await client.schedule.create({ scheduleId, ...options });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw specError(error, wanted);
    before = await handle.describe();
    await update(handle, options, wanted);
  }
  const description = await handle.describe();
  if (description.info.nextActionTimes.length > 0)
    return { created: before === undefined, description };
  if (before === undefined) await handle.delete();
  else await handle.update(() => asUpdate(before));
  throw new BadParams(
    `the schedule "${wanted.cron}" in time zone ${wanted.timezone} never starts: choose a day that exists`,
  );
}

async function update(
  handle: ScheduleHandle,
  options: ReturnType<typeof makeSchedule>,
  wanted: Wanted,
): Promise<void> {
  try {
    await handle.update(({ state }) => {
      const { paused, note } = state;
      const kept = paused || wanted.note === undefined ? note : wanted.note;
      return { ...options, state: { paused, ...(kept === undefined ? {} : { note: kept }) } };
    });
  } catch (error) {
    throw specError(error, wanted);
  }
}

function asUpdate({ spec, action, policies, state }: ScheduleDescription) {
  return { spec, action, policies, state };
}

/** The error for a spec that the server refuses, or a duration that is none; other errors as they are. */
function specError(
  error: unknown,
  { cron, timezone, jitter, catchup }: Pick<Wanted, 'cron' | 'timezone' | 'jitter' | 'catchup'>,
): unknown {
  const said = isGrpcServiceError(error) ? error.details : messageOf(error);
  if (said.startsWith('Invalid duration'))
    return new BadParams(
      `--jitter ${jitter} or --catchup ${catchup} is no duration: write them as 30s, 10m or 12h`,
      { cause: error },
    );
  // Temporal's client throws the server's refusal of a spec as a TypeError, without its first words.
  const isSpec = error instanceof TypeError || /cron|time ?zone|calendar|schedule spec/i.test(said);
  if (!isSpec) return error;
  return new BadParams(
    `the schedule "${cron}" in time zone ${timezone} is not valid (${said}): correct --cron, --at or --timezone`,
    { cause: error },
  );
}
