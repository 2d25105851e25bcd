import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { RunSummary } from '../activities/contract.ts';
import type { Progress } from '../activities/execution.ts';
import type { Config } from '../config.ts';
import {
  MissingHistory,
  StorageRefused,
  StorageUnavailable,
  type RetrainError,
} from '../errors.ts';
import type { VersionRecord } from '../store/records.ts';
import { progress } from '../workflows/messages.ts';
import { bar, bytes, duration, number, table } from './display.ts';
import { tell, type ToldFailure } from './failure.ts';
import { latestOf } from './latest.ts';
import { pendingOf, type Described } from './pending.ts';
import { HEADLINE, printJson, say } from './print.ts';
import { temporalLink } from './result.ts';
import { openSession, type Session } from './session.ts';
import { staleness, staleOf } from './stale.ts';
import { ago } from './ago.ts';
import { loggingNow, type Logging } from './logging.ts';
import type { Stale } from '../store/stale.ts';
import { fromPhrase, originOf, type Origin } from './why/origin.ts';
import { phraseOf } from './why/reason.ts';
import { workflowIdOf } from './start.ts';
import { stuckOn } from './stuck.ts';
import { trackedNow, type TrackedNow } from './tracked.ts';
import { NO_WORKER, taskQueueHasWorker, waitingForWorker } from './workers.ts';

/** The latest run of a batch, as Temporal knows it. */
interface LatestRun {
  workflowId: string;
  runId: string;
  status: string;
  startedAt: string;
  link: string;
  /** How far it is, while it runs. */
  stages: RunSummary['stages'] | null;
  /** Why the stage under way is being tried again. */
  retrying: { stage: string; attempt: number; message: string }[];
  /** How far the stages under way are, where they say so. */
  progress: Progress[];
  /** When a worker was last heard of in it; null where nothing is under way. */
  heardAt: string | null;
  /** What it waits for when nobody takes its tasks. */
  waiting: string | null;
  error: ToldFailure | null;
}

/** `status N`: the latest run of a batch, and the version that stands. */
export async function status(
  config: Config,
  { pipeline, batch, json }: { pipeline: string; batch: number; json?: boolean | undefined },
): Promise<number> {
  const session = await openSession(config, { check: ['temporal'] });
  try {
    const [run, stored] = await Promise.all([
      latestRun(session, workflowIdOf({ pipeline, batch })),
      storedVersion(session, pipeline, batch),
    ]);
    const { version, origins, tracked, stale, logging } = stored;
    // Temporal alone still tells of the run; with no run to tell of, the store is what is missing.
    if (stored.error !== null && run === null) throw stored.error;
    if (run === null && version === null)
      throw new MissingHistory(
        `batch ${batch} of ${pipeline} has never been run: run it with "run ${batch}"`,
      );
    if (stored.error !== null)
      say(`what stands cannot be told: ${stored.error.message}`, 'warning');
    const unknown = stored.error === null ? {} : { storage: stored.error.message };
    const asOf = new Date().toISOString();
    const document = { pipeline, batch, asOf, run, version, origins, tracked, stale, logging };
    if (json === true) printJson({ ...document, ...unknown });
    else {
      if (run !== null) printRun(run);
      if (version !== null) printVersion(session, version, stored);
    }
    return 0;
  } finally {
    await session.close();
  }
}

/** What the store and, of a version that is still to be logged, Temporal know. */
interface Stored {
  version: VersionRecord | null;
  origins: (Origin & { stage: string })[];
  tracked: TrackedNow | null;
  /** The batches amended since it was built; null for none. */
  stale: Stale | null;
  /** How far the logging is that was put off. */
  logging: Logging | null;
  error: RetrainError | null;
}

const NOTHING = { version: null, origins: [], tracked: null, stale: null, logging: null };

/** The version that stands, or why the store cannot tell. */
async function storedVersion(session: Session, pipeline: string, batch: number): Promise<Stored> {
  try {
    const version = (await latestOf(session.store.records, pipeline, batch)) ?? null;
    if (version === null) return { ...NOTHING, error: null };
    const [origins, tracked, stale] = await Promise.all([
      originsOf(session, version),
      trackedNow(session, version),
      staleOf(session.store, pipeline),
    ]);
    const logging = tracked === null ? await loggingNow(session, version) : null;
    const own = stale.find((one) => one.version === batch) ?? null;
    return { version, origins, tracked, stale: own, logging, error: null };
  } catch (error) {
    if (!(error instanceof StorageUnavailable || error instanceof StorageRefused)) throw error;
    return { ...NOTHING, error };
  }
}

async function latestRun(session: Session, workflowId: string): Promise<LatestRun | null> {
  const handle = session.client.workflow.getHandle(workflowId);
  try {
    const described = await handle.describe();
    const { runId, status: state, startTime, raw } = described;
    const running = state.name === 'RUNNING';
    const pending = pendingOf(raw);
    return {
      workflowId,
      runId,
      status: state.name.toLowerCase(),
      startedAt: startTime.toISOString(),
      link: temporalLink(session, workflowId, runId),
      stages: running ? await stagesNow(session, workflowId) : null,
      retrying: pending.flatMap(({ stage, attempt, message }) =>
        message === null ? [] : [{ stage, attempt, message }],
      ),
      progress: pending.flatMap(({ progress: told }) => (told === null ? [] : [told])),
      heardAt:
        pending
          .flatMap(({ heardAt }) => heardAt ?? [])
          .toSorted()
          .at(-1) ?? null,
      waiting: running ? ((await whyWaiting(session, handle, raw)) ?? null) : null,
      error: state.name === 'FAILED' ? await failureOf(session, workflowId, runId) : null,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function whyWaiting(
  session: Session,
  handle: WorkflowHandle,
  raw: Described,
): Promise<string | undefined> {
  if (!(await taskQueueHasWorker(session))) return NO_WORKER;
  return (await stuckOn(handle, raw)) ?? waitingForWorker(raw);
}

/** A query needs a worker; without one the rest of the status is told all the same. */
async function stagesNow(session: Session, workflowId: string): Promise<LatestRun['stages']> {
  const handle = session.client.workflow.getHandle(workflowId);
  try {
    return await session.client.connection.withDeadline(
      Date.now() + 3_000,
      async () => (await handle.query(progress))?.stages ?? null,
    );
  } catch {
    return null;
  }
}

async function failureOf(
  session: Session,
  workflowId: string,
  runId: string,
): Promise<ToldFailure | null> {
  try {
    await session.client.workflow.getHandle(workflowId, runId).result();
    return null;
  } catch (error) {
    return tell(error);
  }
}

/** Where each stage of a build comes from, against the build before it. */
async function originsOf(
  { store }: Session,
  record: VersionRecord,
): Promise<(Origin & { stage: string })[]> {
  const { pipeline, version, seq } = record;
  const previous = await store.records.read(pipeline, version, seq - 1);
  return record.stages.map((ran) => ({
    stage: ran.stage,
    ...originOf(ran, { cached: ran.cached, previous }),
  }));
}

function printRun(run: LatestRun): void {
  const out = process.stdout;
  const since = `started ${run.startedAt}, ${ago(run.startedAt)}`;
  out.write(`run       ${run.workflowId} ${run.status}, ${since}\n`);
  if (run.error !== null)
    out.write(
      `because   ${run.error.stage === null ? '' : `${run.error.stage}: `}${run.error.message}\n`,
    );
  for (const { stage, attempt, message } of run.retrying)
    out.write(`retrying  ${stage}, attempt ${attempt}: ${message}\n`);
  for (const told of run.progress) out.write(`progress  ${told.stage} ${bar(told)}\n`);
  if (run.heardAt !== null) out.write(`heard of  ${ago(run.heardAt)}\n`);
  if (run.waiting !== null) say(run.waiting, 'warning');
  if (run.stages !== null)
    out.write(
      `stages    ${run.stages.map(({ stage, state }) => `${stage} ${state}`).join(', ')}\n`,
    );
  out.write(`Temporal  ${run.link}\n\n`);
}

function printVersion(
  { tracker }: Session,
  record: VersionRecord,
  { origins, tracked, stale, logging }: Omit<Stored, 'version' | 'error'>,
): void {
  const out = process.stdout;
  const { version, seq, created_at, metrics, stages } = record;
  out.write(`version ${version}, build ${seq}, made ${created_at}, ${ago(created_at)}\n\n`);
  if (stale !== null) say(staleness(stale), 'warning');
  const rows = stages.map(({ stage, cached, duration_ms, outputs }, i) => [
    stage,
    cached ? 'cached' : 'done',
    duration(duration_ms),
    bytes(Object.values(outputs).reduce((sum, { size }) => sum + size, 0)),
    originPhrase(origins[i]!),
  ]);
  out.write(`${table(['stage', 'state', 'took', 'size', ''], rows)}\n\n`);
  const scores = HEADLINE.map((name) => [name, number(metrics[name])]);
  out.write(`${table(['metric', 'value'], scores)}\n\n`);
  for (const { stage, warnings } of stages)
    for (const warning of warnings) say(`${stage}: ${warning}`, 'warning');
  if (tracked === null) {
    say('the version is not logged: that is done when tracking is back, or by "log N"', 'warning');
    if (logging !== null)
      out.write(
        `logging   ${logging.workflowId}, attempt ${logging.attempt}${logging.message === null ? '' : `: ${logging.message}`}\n`,
      );
    return;
  }
  if (tracked.modelVersion !== null)
    out.write(`model     ${tracked.modelName} version ${tracked.modelVersion}\n`);
  out.write(`MLflow    ${tracked.url}\n`);
  if (tracker.look !== null) out.write(`          ${tracker.look}\n`);
}

function originPhrase({ cachedFrom, because }: Origin): string {
  return cachedFrom === null ? phraseOf(because) : `from ${fromPhrase(cachedFrom)}`;
}
