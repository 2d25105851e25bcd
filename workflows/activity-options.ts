/** Options of activities that several workflows share. */

export const RETRY = {
  initialInterval: '500ms',
  backoffCoefficient: 2,
  maximumInterval: '10s',
} as const;

/** For what does not hold up a person: a server that is away is asked less often. */
export const SLOW_RETRY = { ...RETRY, maximumInterval: '30s' } as const;

/** After this time without a heartbeat, another worker gets the activity. */
export const HEARTBEAT_TIMEOUT = '30s';

/** The heartbeat timeout of the worker that pinned the run, if it has its own. */
export function overrideHeartbeat({ heartbeatTimeout }: { heartbeatTimeout?: number }): {
  heartbeatTimeout?: string;
} {
  return heartbeatTimeout === undefined ? {} : { heartbeatTimeout: `${heartbeatTimeout}s` };
}
