import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { NightlySummary } from '../../contract/nightly.ts';
import type { nightly } from '../../workflows/index.ts';
import { nightlyProgress } from '../../contract/messages.ts';
import { EXIT } from '../exit.ts';
import { tell } from '../failure.ts';
import { printJson, say } from '../print.ts';
import type { Session } from '../session.ts';
import { scoreDigits } from '../../contract/score-digits.ts';

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
    else print(summary);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      if (json === true) printJson({ status: 'running', workflowId, pipeline });
      say('it goes on without us; the same command comes back to it');
      return EXIT.detached;
    }
    // Anything else is no end of it: the server is away, and the nightly goes on.
    if (!(error instanceof WorkflowFailedError)) throw error;
    const told = tell(error);
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

function print({ state, batches, warnings }: NightlySummary): void {
  for (const warning of warnings) say(warning, 'warning');
  for (const { batch, score } of batches)
    process.stdout.write(
      `batch ${batch}${score === undefined ? '' : `  ${score.name} ${scoreDigits(score.value)}`}\n`,
    );
  process.stdout.write(`${state}\n`);
}
