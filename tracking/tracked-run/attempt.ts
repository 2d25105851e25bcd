import { setTimeout as sleep } from 'node:timers/promises';
import type { Execution } from '../../contract/execution.ts';
import { TrackingMoved, TrackingRefused } from '../../contract/failures.ts';
import type { TrackedRun } from '../../contract/ref.ts';
import type { Attempt } from '../../store/attempts.ts';
import type { Store } from '../../store/index.ts';
import { refuseOtherFolder } from '../place.ts';
import type { Tracker } from '../tracker.ts';
import { RETRAIN } from '../../contract/command.ts';

/** How long an execution waits for another that holds the claim before it takes the claim. */
const PATIENCE_MS = 15_000;

/** The parts of a worker that attempts need. */
export interface TrackingDeps {
  store: Pick<Store, 'attempts'>;
  tracker: Tracker;
  experimentName: string;
}

export interface AttemptOf {
  pipeline: string;
  batch: number;
  attempt: string;
}

type Run = Pick<OpenAttempt, 'tracking_uri' | 'experiment_id' | 'run_id'>;

/** An attempt whose MLflow run exists. */
export type OpenAttempt = Attempt & { experiment_id: string; run_id: string };

/** The owner of a claim that was released. */
const NOBODY = 'nobody';

const NOTHING_LOGGED = {
  model_id: null,
  model_name: null,
  model_version: null,
  logged: {},
  scored_at: {},
};
const NO_RUN = { tracking_uri: null, experiment_id: null, run_id: null, ...NOTHING_LOGGED };

/** The description of a new experiment, in Markdown. */
const EXPERIMENT_DESCRIPTION = [
  'Models that are retrained after each batch of data.',
  '- The run with the name of a **pipeline** has the scores of all its versions: each metric is one line, with the version as its step.',
  '- A run such as **iris-v3** is version 3 of the pipeline iris, trained on batches 1 to 3; **iris-v3.2** is its second build.',
].join('\n');

/** The tag by which the run of an attempt is found again. */
const ATTEMPT_TAG = 'retrain.attempt';

/**
 * Returns the one MLflow run of a training attempt, and creates it if there is none.
 *
 * MLflow accepts no run ID from its client. So an execution claims the attempt in the store, searches for the
 * run by its tag, creates it if none is found, and enters its ID by compare-and-swap. The second execution that
 * enters an ID deletes the run that it created. So an execution that continues late leaves no second run.
 */
export async function openAttempt(
  deps: TrackingDeps,
  of: AttemptOf,
  execution: Execution,
  { name, tags }: { name: string; tags: Record<string, string> },
): Promise<OpenAttempt> {
  const claimed = await claim(deps, of, execution);
  if (isCurrent(deps, claimed)) return claimed;
  const experimentId = await deps.tracker.ensureExperiment(
    deps.experimentName,
    EXPERIMENT_DESCRIPTION,
  );
  const [found] = await deps.tracker.findRuns(experimentId, { [ATTEMPT_TAG]: of.attempt });
  const runId =
    found?.runId ??
    (await deps.tracker.createRun({
      experimentId,
      name,
      startedAt: claimed.claimed_at,
      tags: { ...tags, [ATTEMPT_TAG]: of.attempt },
    }));
  const entered = await deps.store.attempts.swap(of.pipeline, of.attempt, (current) =>
    isCurrent(deps, current!)
      ? current
      : withRun(current!, {
          tracking_uri: deps.tracker.place(),
          experiment_id: experimentId,
          run_id: runId,
        }),
  );
  if (entered.run_id !== runId) await deps.tracker.deleteRun(runId);
  return entered as OpenAttempt;
}

/** Deletes other runs of this attempt. A crash after a run is created and before it is entered leaves one. */
export async function deleteOtherRuns(deps: TrackingDeps, attempt: OpenAttempt): Promise<void> {
  const runs = await deps.tracker.findRuns(attempt.experiment_id, {
    [ATTEMPT_TAG]: attempt.attempt,
  });
  for (const { runId } of runs) if (runId !== attempt.run_id) await deps.tracker.deleteRun(runId);
}

/** Returns the attempt if it has a run on this worker's tracking server. */
export async function findAttempt(
  deps: TrackingDeps,
  { pipeline, attempt }: Omit<AttemptOf, 'batch'>,
): Promise<OpenAttempt | undefined> {
  const found = await deps.store.attempts.read(pipeline, attempt);
  return found !== undefined && isCurrent(deps, found) ? found : undefined;
}

/**
 * Enters facts about the attempt. IDs and logged stages are only added, never removed.
 * @throws TrackingMoved when the attempt has another run now: the facts belong to one on another server
 */
export async function updateAttempt(
  deps: TrackingDeps,
  open: OpenAttempt,
  facts: Partial<
    Pick<Attempt, 'model_id' | 'model_name' | 'model_version' | 'logged' | 'scored_at'>
  >,
): Promise<OpenAttempt> {
  const { pipeline, attempt, run_id: runId, tracking_uri: uri } = open;
  const updated = await deps.store.attempts.swap(pipeline, attempt, (current) => {
    if (current!.run_id !== runId || current!.tracking_uri !== uri) throw moved(deps, open);
    return {
      ...current!,
      ...facts,
      logged: { ...current!.logged, ...facts.logged },
      scored_at: { ...facts.scored_at, ...current!.scored_at },
    };
  });
  return updated as OpenAttempt;
}

/**
 * Returns the open attempt, for a stage after training.
 * @throws TrackingMoved when training is not logged on this worker's tracking server
 * @throws TrackingRefused when it is logged in a directory that this worker does not share
 */
export async function requireAttempt(deps: TrackingDeps, of: AttemptOf): Promise<OpenAttempt> {
  const found = await deps.store.attempts.read(of.pipeline, of.attempt);
  if (found !== undefined && isCurrent(deps, found)) return found;
  if (found?.tracking_uri != null) refuseOtherFolder(deps, found.tracking_uri);
  throw moved(deps, of);
}

/** The error for an attempt without a run on this worker's tracking server. */
function moved(
  deps: TrackingDeps,
  { pipeline, batch }: Pick<AttemptOf, 'pipeline' | 'batch'>,
): TrackingMoved {
  return new TrackingMoved(
    `training of batch ${batch} of ${pipeline} is not logged at ${deps.tracker.uri}: run "${RETRAIN} stage train ${batch} --pipeline ${pipeline}" first`,
  );
}

/**
 * Forgets a run that no longer exists: the server's database was replaced, or a person deleted the run. The next
 * execution that opens the attempt creates it again.
 */
export async function forgetRun(deps: TrackingDeps, open: OpenAttempt): Promise<void> {
  await deps.store.attempts.swap(open.pipeline, open.attempt, (current) =>
    current!.run_id === open.run_id ? releaseClaim(current!) : current!,
  );
}

/**
 * Logs to the run of an attempt.
 * @throws TrackingMoved when the run is gone: training must be logged again
 */
export async function onRun<T>(
  deps: TrackingDeps,
  open: OpenAttempt,
  log: () => Promise<T>,
): Promise<T> {
  try {
    return await log();
  } catch (error) {
    const unknown =
      error instanceof TrackingRefused && error.details['code'] === 'RESOURCE_DOES_NOT_EXIST';
    if (!unknown || (await deps.tracker.hasRun(open.run_id))) throw error;
    await forgetRun(deps, open);
    throw moved(deps, open);
  }
}

/** Describes the attempt's run for the version record and the result. */
export function trackedRun({ tracker }: TrackingDeps, attempt: OpenAttempt): TrackedRun {
  const { experiment_id, run_id, model_name, model_version } = attempt;
  return {
    trackingUri: tracker.uri,
    experimentId: experiment_id,
    runId: run_id,
    modelName: model_name!,
    modelVersion: model_version,
    links: {
      run: tracker.makeRunUrl(experiment_id, run_id),
      ...(model_version === null
        ? {}
        : { model: tracker.makeModelUrl(model_name!, model_version) }),
    },
  };
}

/** Whether an attempt has a run on this worker's tracking server. */
function isCurrent(deps: TrackingDeps, attempt: Attempt): attempt is OpenAttempt {
  return attempt.run_id !== null && attempt.tracking_uri === deps.tracker.place();
}

/**
 * Claims the attempt, or waits for its holder. Only the holder creates the run. If the holder is an earlier
 * attempt of this activity, it is dead. Any other holder is given some time.
 */
async function claim(deps: TrackingDeps, of: AttemptOf, execution: Execution): Promise<Attempt> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const now = Date.now();
    const held = await deps.store.attempts.swap(of.pipeline, of.attempt, (current) => {
      if (current === undefined) return freshClaim(of, execution, now);
      if (isCurrent(deps, current)) return current;
      // A claim with a run on another server has ended. This execution finds or creates a run here.
      const done = current.run_id !== null || current.owner === NOBODY;
      const dead = current.owner.startsWith(`${execution.activity}/`) || now >= deadline;
      if (current.owner === execution.token || !(done || dead)) return current;
      return { ...current, ...NO_RUN, owner: execution.token, owned_at: now };
    });
    if (isCurrent(deps, held) || held.owner === execution.token) return held;
    execution.heartbeat({ stage: 'train', fraction: 0 });
    await sleep(250, undefined, { signal: execution.signal });
  }
}

/** An attempt with a new run, to which nothing is logged yet. */
function withRun(attempt: Attempt, run: Run): Attempt {
  return { ...attempt, ...NOTHING_LOGGED, ...run };
}

/** An attempt whose run is gone, and which the next execution may claim. */
function releaseClaim(attempt: Attempt): Attempt {
  return { ...attempt, ...NO_RUN, owner: NOBODY };
}

function freshClaim(of: AttemptOf, execution: Execution, now: number): Attempt {
  return {
    schema: 1,
    ...of,
    claimed_at: now,
    owner: execution.token,
    owned_at: now,
    ...NO_RUN,
  };
}
