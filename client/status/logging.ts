import { WorkflowNotFoundError } from '@temporalio/client';
import type { VersionRecord } from '../../store/records.ts';
import { pendingOf } from '../pending.ts';
import type { Session } from '../session.ts';
import { isOpen } from '../../contract/workflow-status.ts';

/** The workflow that logs a version whose logging was put off. */
export interface Logging {
  workflowId: string;
  attempt: number;
  /** Why the try before this one failed. */
  message: string | null;
}

/** The one that is at it, whether the run began it or a person; null when none is. */
export async function loggingNow(
  { client }: Session,
  { pipeline, version, seq }: Pick<VersionRecord, 'pipeline' | 'version' | 'seq'>,
): Promise<Logging | null> {
  for (const workflowId of [`${pipeline}-log-${version}.${seq}`, `${pipeline}-log-${version}`]) {
    try {
      const { status, raw } = await client.workflow.getHandle(workflowId).describe();
      if (!isOpen(status)) continue;
      const [tried] = pendingOf(raw);
      return { workflowId, attempt: tried?.attempt ?? 1, message: tried?.message ?? null };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return null;
}
