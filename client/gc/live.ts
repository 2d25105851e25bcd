import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Lease } from '../../store/leases.ts';
import { isOpen } from '../../contract/workflow-status.ts';

/** What is left of a run that was ended from outside learns of it with its next heartbeat. */
const ECHO_MS = 120_000;

/**
 * Whether a lease's run may still be at work: Temporal says whether its workflow is open. Where it
 * cannot say (another namespace or server, a history no longer kept), the lease's own term counts.
 */
export async function isRunAtWork(client: Client, lease: Lease): Promise<boolean> {
  const { run, expires_at: end } = lease;
  const inTerm = Date.parse(end) > Date.now();
  if (run === null || run.namespace !== client.options.namespace) return inTerm;
  const handle = client.workflow.getHandle(run.workflow_id, run.run_id);
  try {
    const { status, closeTime } = await handle.describe();
    if (isOpen(status)) return true;
    // Its activities had all ended: it waited for them.
    if (status.name === 'COMPLETED' || status.name === 'FAILED') return false;
    return (closeTime?.getTime() ?? 0) > Date.now() - ECHO_MS;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return inTerm;
    throw error;
  }
}
