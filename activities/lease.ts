import { Context } from '@temporalio/activity';
import type { RunOf } from '../store/leases.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';

type AnyActivity = (request: never) => Promise<unknown>;

/**
 * Gives each activity its run's lease before it looks at anything stored. Only the first of a run to be
 * done by a worker makes requests for it, two small ones.
 */
export function underLease<Activities extends Record<string, AnyActivity>>(
  deps: Pick<Deps, 'store'>,
  activities: Activities,
): Activities {
  const leased = (work: AnyActivity) => async (request: { pipeline?: string }) => {
    const { signal, heartbeat } = currentExecution();
    await deps.store.leases.take(currentRun(request.pipeline), {
      signal,
      waiting: () => heartbeat({ stage: 'waiting for gc', fraction: 0 }),
    });
    return work(request as never);
  };
  const wrapped = Object.entries(activities).map(([name, work]) => [name, leased(work)]);
  return Object.fromEntries(wrapped) as Activities;
}

/** The run whose activity calls this, as leases know it. */
export function currentRun(pipeline = 'none'): RunOf {
  const { workflowId, runId } = currentExecution();
  return { pipeline, namespace: Context.current().info.namespace, workflowId, runId };
}
