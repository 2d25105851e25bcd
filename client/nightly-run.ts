import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { describeOutcome } from './champion.ts';
import { EXIT } from './context.ts';
import { describeFailure } from './failure.ts';
import { foldText, print, printJson, say } from './print.ts';
import { readRunParams, type Session } from './session.ts';
import { upload } from './upload.ts';
import { warnWithoutWorker } from './waiting.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { Conflict } from '../contract/failures.ts';
import { nightlyProgress } from '../contract/messages.ts';
import type { NightlyInput, NightlySummary } from '../contract/nightly.ts';
import { formatScore } from '../contract/metric-sets.ts';
import type { nightly } from '../workflows/index.ts';

export interface NightlyOptions {
  pipeline: string;
  set: Record<string, unknown>;
  rebuild: boolean;
  json?: boolean | undefined;
}

/** Runs the pending batches, or builds the stale versions again, in a nightly workflow, and waits for its end. */
export async function runNightly(session: Session, options: NightlyOptions): Promise<number> {
  const { pipeline, set, rebuild } = options;
  const { params } = await readRunParams(session, set);
  const source = rebuild
    ? undefined
    : await upload(session, params.data, { pipeline, rewrite: false });
  const workflowId = `${pipeline}-${rebuild ? 'rebuild' : 'nightly'}`;
  const { workflow } = session.client;
  let handle;
  try {
    handle = await workflow.start<typeof nightly>('nightly', {
      workflowId,
      taskQueue: session.config.taskQueue,
      args: [
        {
          pipeline,
          ...(Object.keys(set).length > 0 ? { params: set } : {}),
          ...(source === undefined ? {} : { source }),
          ...(rebuild ? { rebuild } : {}),
        },
      ],
      staticSummary: `${pipeline} · ${rebuild ? 'what is stale' : 'what is pending'}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    handle = workflow.getHandle<typeof nightly>(workflowId);
    await checkSameParams(session, handle, set);
    say(`${workflowId} is already running: waiting for it`);
  }
  void warnWithoutWorker(session);
  return followNightly(session, handle, options);
}

/** How often the nightly is asked for its progress. */
const LOOK_MS = 1_000;

/** Prints the states of a nightly until it ends, then its result. Ctrl-C stops the printing, not the nightly. */
export async function followNightly(
  { connection }: Pick<Session, 'connection'>,
  handle: WorkflowHandle<typeof nightly>,
  { pipeline, json }: { pipeline: string; json?: boolean | undefined },
): Promise<number> {
  const { workflowId } = handle;
  const leaving = new AbortController();
  const { signal } = leaving;
  setMaxListeners(0, signal); // each poll listens on the signal
  const leave = (): void => leaving.abort();
  process.once('SIGINT', leave);
  // Calls end when the signal aborts, so that none is retried on a closed connection.
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    connection.withAbortSignal(signal, call);
  const printing = within(() => printStates(handle, signal));
  try {
    const summary = await within(() => handle.result());
    if (json === true) printJson({ status: 'completed', workflowId, ...summary });
    else printSummary(summary);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      if (json === true) printJson({ status: 'running', workflowId, pipeline });
      say('the nightly continues; the same command follows it again');
      return EXIT.detached;
    }
    // Any other error is the server's: the nightly goes on.
    if (!(error instanceof WorkflowFailedError)) throw error;
    const failure = await describeFailure(error);
    if (json === true) printJson({ status: 'failed', workflowId, pipeline, error: failure });
    say(failure.message, 'error');
    return EXIT.failed;
  } finally {
    process.off('SIGINT', leave);
    leave();
    await printing;
  }
}

/** Prints the state of a nightly when it changes, until the signal aborts. Without a worker it prints nothing. */
async function printStates(
  handle: WorkflowHandle<typeof nightly>,
  signal: AbortSignal,
): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    try {
      const state = (await handle.query(nightlyProgress))?.state ?? last;
      if (state !== last && !signal.aborted) say(state);
      last = state;
    } catch {
      // This is only a hint: the caller waits for the end, and reports it.
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Prints a finished nightly. The state gives the reason of the first quarantined file, so its warning is left out. */
function printSummary({ pipeline, state, batches, warnings, quarantined }: NightlySummary): void {
  const [first] = quarantined;
  const isInState = (warning: string): boolean =>
    first !== undefined &&
    warning.startsWith(`${first.name} in `) &&
    warning.endsWith(` is quarantined: ${first.reason}`);
  for (const warning of warnings) if (!isInState(warning)) say(warning, 'warning');
  for (const { batch, score, promotion } of batches) {
    for (const warning of promotion?.warnings ?? []) say(`batch ${batch}: ${warning}`, 'warning');
    const scored = score === undefined ? '' : `  ${score.name} ${formatScore(score.value)}`;
    const [became, ...more] = promotion === undefined ? [] : describeOutcome(pipeline, promotion);
    print(`batch ${batch}${scored}${became === undefined ? '' : `  champion ${became}`}`);
    for (const line of more) print(`  ${foldText(line, 2)}`);
  }
  print(foldText(state, 2));
}

/**
 * Checks that the running nightly was started with the same `--set` as this command. Params of params.yaml are
 * not compared.
 * @throws Conflict when it was started with others
 */
export async function checkSameParams(
  { client }: Session,
  handle: WorkflowHandle,
  set: Record<string, unknown>,
): Promise<void> {
  const { workflowId } = handle;
  const input = await readInput(client, handle);
  const [theirs, asked] = [input?.params ?? {}, set].map((params) => canonicalJson(params));
  if (theirs === asked) return;
  throw new Conflict(
    `${workflowId} was started with other --set (${theirs} there, ${asked} here): wait for it, or cancel it with "temporal workflow cancel --workflow-id ${workflowId}"`,
  );
}

/** The input of a nightly, from its first event. */
async function readInput(
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
