import { proxyActivities } from '@temporalio/workflow';
import type { LoggedVersion, LogVersionInput } from '../contract/versions.ts';
import type { Activities } from '../contract/activities.ts';
import { toWorkflowFailure } from './failure.ts';

const { log_version } = proxyActivities<Pick<Activities, 'log_version'>>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Logs a version that was built to the place where the worker tracks now, and waits until it is available. */
export async function logVersion(input: LogVersionInput): Promise<LoggedVersion> {
  try {
    return await log_version(input);
  } catch (error) {
    throw toWorkflowFailure(error, undefined);
  }
}
