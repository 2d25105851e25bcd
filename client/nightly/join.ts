import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { NightlyInput } from '../../contract/nightly.ts';
import { Conflict } from '../../contract/failures.ts';
import { canonicalJson } from '../../contract/canonical-json.ts';
import type { Session } from '../session.ts';

/**
 * That a nightly under way was started with the params that are set here; those of a params.yaml are not
 * compared.
 * @throws Conflict when it was started with others
 */
export async function checkSame(
  { client }: Session,
  handle: WorkflowHandle,
  set: Record<string, unknown>,
): Promise<void> {
  const { workflowId } = handle;
  const input = await startedWith(client, handle);
  const [theirs, asked] = [input?.params ?? {}, set].map((params) => canonicalJson(params));
  if (theirs === asked) return;
  throw new Conflict(
    `${workflowId} was started with other --set (${theirs} there, ${asked} here): wait for it, or cancel it with "temporal workflow cancel --workflow-id ${workflowId}"`,
  );
}

/** What a nightly was started with, by its first event. */
async function startedWith(
  { connection, options, workflowService }: Client,
  { workflowId }: WorkflowHandle,
): Promise<NightlyInput | null> {
  const call = (): ReturnType<typeof workflowService.getWorkflowExecutionHistory> =>
    workflowService.getWorkflowExecutionHistory({
      namespace: options.namespace,
      execution: { workflowId },
      maximumPageSize: 1,
    });
  const { history } = await connection.withDeadline(Date.now() + 10_000, call);
  const begun = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const payload = begun?.input?.payloads?.[0];
  return payload == null ? null : defaultPayloadConverter.fromPayload(payload);
}
