import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Command } from 'commander';
import { setArgument } from '../arguments.ts';
import { EXIT, describeFailure } from '../failure.ts';
import { print, printJson, say } from '../print.ts';
import type { Session } from '../session.ts';
import { upload } from '../upload.ts';
import { warnWithoutWorker } from '../waiting.ts';
import { canonicalJson } from '../../contract/canonical-json.ts';
import { Conflict } from '../../contract/failures.ts';
import { nightlyProgress } from '../../contract/messages.ts';
import type { NightlyInput, NightlySummary } from '../../contract/nightly.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { scoreDigits } from '../../contract/score-digits.ts';
import type { nightly } from '../../workflows/index.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from './context.ts';

export function nightlyCommand(context: CommandContext): Command {
  return pipelineCommand('nightly', 'run every batch that has data and no version, in order')
    .option('--set <key=value>', 'override a param for these runs; repeatable', setArgument)
    .addHelpText('after', examples('nightly', 'nightly --pipeline sales --json'))
    .action(async ({ pipeline, set, json }: CommonFlags & { set?: Record<string, unknown> }) => {
      const { openSession } = await import('../session.ts');
      const config = await context.configure(pipeline);
      const session = await openSession(config, { check: ['temporal', 'storage'] });
      try {
        process.exitCode = await runNightly(session, {
          pipeline: config.pipeline,
          set: set ?? {},
          rebuild: false,
          json,
        });
      } finally {
        await session.close();
      }
    });
}

export interface NightlyOptions {
  pipeline: string;
  set: Record<string, unknown>;
  rebuild: boolean;
  json?: boolean | undefined;
}

/** Runs what is pending, or stale, as the nightly would, and waits for its end. */
export async function runNightly(session: Session, options: NightlyOptions): Promise<number> {
  const { pipeline, set, rebuild } = options;
  const params = paramsOf(session.config.params, set);
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
    await checkSame(session, handle, set);
    say(`${workflowId} is already running: waiting for it`);
  }
  void warnWithoutWorker(session);
  return followNightly(session, handle, options);
}

/** How often it is asked where it stands. */
const LOOK_MS = 1_000;

/** Says each thing a nightly does until it ends, and tells what came of it; Ctrl-C leaves it alone. */
export async function followNightly(
  { connection }: Pick<Session, 'connection'>,
  handle: WorkflowHandle<typeof nightly>,
  { pipeline, json }: { pipeline: string; json?: boolean | undefined },
): Promise<number> {
  const { workflowId } = handle;
  const leaving = new AbortController();
  const { signal } = leaving;
  setMaxListeners(0, signal); // each poll listens on it
  const leave = (): void => leaving.abort();
  process.once('SIGINT', leave);
  // Calls that are let go of when the signal aborts: none is tried again on a connection that is closed.
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    connection.withAbortSignal(signal, call);
  const telling = within(() => tellStates(handle, signal));
  try {
    const summary = await within(() => handle.result());
    if (json === true) printJson({ status: 'completed', workflowId, ...summary });
    else printSummary(summary);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      if (json === true) printJson({ status: 'running', workflowId, pipeline });
      say('it goes on without us; the same command comes back to it');
      return EXIT.detached;
    }
    // Anything else is no end of it: the server is away, and the nightly goes on.
    if (!(error instanceof WorkflowFailedError)) throw error;
    const told = describeFailure(error);
    if (json === true) printJson({ status: 'failed', workflowId, pipeline, error: told });
    say(told.message, 'error');
    return EXIT.failed;
  } finally {
    process.off('SIGINT', leave);
    leave();
    await telling;
  }
}

/** Says where a nightly stands each time that changes, until the signal aborts; without a worker, nothing. */
async function tellStates(
  handle: WorkflowHandle<typeof nightly>,
  signal: AbortSignal,
): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    try {
      const state = (await handle.query(nightlyProgress))?.state ?? told;
      if (state !== told && !signal.aborted) say(state);
      told = state;
    } catch {
      // Only a look: its end is waited for, and told, elsewhere.
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

function printSummary({ state, batches, warnings }: NightlySummary): void {
  for (const warning of warnings) say(warning, 'warning');
  for (const { batch, score } of batches)
    print(
      `batch ${batch}${score === undefined ? '' : `  ${score.name} ${scoreDigits(score.value)}`}`,
    );
  print(state);
}

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
