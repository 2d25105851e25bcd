import { proxyActivities } from '@temporalio/workflow';
import type { LoggedVersion, LogVersionInput } from '../contract/versions.ts';
import type { Activities } from '../contract/activities.ts';
import { HEARTBEAT_TIMEOUT, SLOW_RETRY } from './activity-options.ts';
import { toWorkflowFailure } from './failure.ts';
import { proposeBuild } from './propose.ts';

const { log_version, decide_again } = proxyActivities<
  Pick<Activities, 'log_version' | 'decide_again'>
>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: SLOW_RETRY,
});

/**
 * Logs a version that was built to the place where the worker tracks now, and waits until it is available. A build that
 * it publishes goes through the gate, as the build of a run does.
 */
export async function logVersion(input: LogVersionInput): Promise<LoggedVersion> {
  try {
    const logged = await log_version(input);
    if (input.publish !== true) return logged;
    const { pipeline, version, trackingFolder } = input;
    const { seq } = logged;
    const decided = await decide_again({ pipeline, version, seq });
    const folder = trackingFolder === undefined ? {} : { trackingFolder };
    const promotion = await proposeBuild({ pipeline, version, seq, ...decided, ...folder });
    return { ...logged, promotion };
  } catch (error) {
    throw toWorkflowFailure(error, undefined);
  }
}
