import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
} from '@temporalio/client';
import { BadParams, messageOf } from '../../contract/failures.ts';
import type { Session } from '../session.ts';
import { scheduleIdOf, scheduleOf, type Wanted } from './spec.ts';

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
