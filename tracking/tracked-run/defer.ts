import { TrackingUnavailable } from '../../contract/failures.ts';
import type { Execution } from '../../contract/execution.ts';
import type { Tracker } from '../tracker.ts';
import { RETRAIN } from '../../contract/command.ts';

/** The warning of a run whose logging is put off. */
export function deferredWarning({ tracker }: { tracker: Tracker }): string {
  return `tracking at ${tracker.uri} is not available: the version is logged when it is back, or by "${RETRAIN} log N"`;
}

/**
 * Logs, or puts logging off if that is allowed and tracking is not available at the second attempt: one refused
 * connection is not an outage.
 * @returns undefined when logging is put off
 */
export async function orDefer<T>(
  mayDefer: boolean,
  { isRetry }: Pick<Execution, 'isRetry'>,
  log: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await log();
  } catch (error) {
    if (!mayDefer || !isRetry || !(error instanceof TrackingUnavailable)) throw error;
    return undefined;
  }
}
