import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '../../store/attempts.ts';
import type { Deps } from '../../activities/deps.ts';
import type { Execution } from '../../contract/execution.ts';

/** How long one run waits for another that holds the claim before it takes it over. */
const PATIENCE_MS = 15_000;

/** The parts of a worker that attempts need. */
export type TrackingDeps = Pick<Deps, 'store' | 'tracker' | 'experimentName'>;

export interface AttemptOf {
  pipeline: string;
  batch: number;
  attempt: string;
}

type Run = Pick<OpenAttempt, 'tracking_uri' | 'experiment_id' | 'run_id'>;

/** An attempt whose MLflow run exists. */
export type OpenAttempt = Attempt & { experiment_id: string; run_id: string };

/** The owner of a claim that was let go. */
const NOBODY = 'nobody';

const NOTHING_LOGGED = {
  model_id: null,
  model_name: null,
  model_version: null,
  logged: {},
  scored_at: {},
};
const NO_RUN = { tracking_uri: null, experiment_id: null, run_id: null, ...NOTHING_LOGGED };

/** Whether the ids in it belong to the tracking server this worker uses now. */
export function isCurrent(deps: TrackingDeps, attempt: Attempt): attempt is OpenAttempt {
  return attempt.run_id !== null && attempt.tracking_uri === deps.tracker.place();
}

/**
 * Claims the attempt, or waits for whoever holds it. Only one holder creates the run; a holder that
 * is an earlier try of this very activity is dead, one elsewhere is given some time.
 */
export async function claim(
  deps: TrackingDeps,
  of: AttemptOf,
  execution: Execution,
): Promise<Attempt> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const now = Date.now();
    const held = await deps.store.attempts.swap(of.pipeline, of.attempt, (current) => {
      if (current === undefined) return freshClaim(of, execution, now);
      if (isCurrent(deps, current)) return current;
      // With a run on another server the claim there is done with: ours is to find or make it here.
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

/** An attempt with a run that was just made: nothing is logged there yet. */
export function withRun(attempt: Attempt, run: Run): Attempt {
  return { ...attempt, ...NOTHING_LOGGED, ...run };
}

/** An attempt whose run is gone, for whoever comes next to claim. */
export function letGo(attempt: Attempt): Attempt {
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
