import { defaultPayloadConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { follow } from '../../client/follow.ts';
import type { Session } from '../../client/session.ts';

const child = (type: string, id: string) => ({
  workflowType: { name: type },
  workflowExecution: { workflowId: id },
});

/** The notices that a person sees while a run with this history is followed. */
async function readNotices(events: object[]): Promise<(string | undefined)[]> {
  const input = { payloads: [defaultPayloadConverter.toPayload({ batch: 2 })] };
  const page = {
    history: { events: [{ workflowExecutionStartedEventAttributes: { input } }, ...events] },
  };
  const session = {
    namespace: 'default',
    client: {
      workflowService: { getWorkflowExecutionHistory: async () => page },
      connection: {
        withAbortSignal: (_: AbortSignal, call: () => unknown) => call(),
        withDeadline: (_: number, call: () => unknown) => call(),
      },
      workflow: { getHandle: () => ({}) },
    },
  } as unknown as Session;
  const run = { workflowId: 'iris-batch-2', runId: 'r' } as Parameters<typeof follow>[1];
  const notices: (string | undefined)[] = [];
  await follow(
    session,
    run,
    'gate',
    (_, notice) => notices.push(notice),
    new AbortController().signal,
  );
  return notices;
}

it('a run says which version is built first, until that is built', async () => {
  const earlier = child('trainBatch', 'iris-batch-1');
  const notices = await readNotices([
    { childWorkflowExecutionStartedEventAttributes: earlier },
    { childWorkflowExecutionCompletedEventAttributes: earlier },
  ]);
  expect(notices).toEqual([undefined, undefined, 'iris-batch-1 is run first', undefined]);
});

it('a run does not take its promotion for a version that is built first', async () => {
  const promotion = child('promote', 'iris-promotion');
  const earlier = child('trainBatch', 'iris-batch-1');
  const notices = await readNotices([
    { childWorkflowExecutionStartedEventAttributes: promotion },
    { childWorkflowExecutionStartedEventAttributes: earlier },
    { childWorkflowExecutionCompletedEventAttributes: promotion },
  ]);
  expect(notices.slice(2)).toEqual([
    undefined,
    'iris-batch-1 is run first',
    'iris-batch-1 is run first',
  ]);
});
