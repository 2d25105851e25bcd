import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import type { Execution } from '../../contract/execution.ts';
import type { Store } from '../../store/index.ts';
import {
  deleteOtherRuns,
  findAttempt,
  forgetRun,
  openAttempt,
  updateAttempt,
  type AttemptOf,
  type TrackingDeps,
} from '../../tracking/tracked-run/attempt.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { makeExecution } from './made-execution.ts';

/** One MLflow run per training attempt, whichever worker comes, dies or wakes late. */
export function holdsAttemptContract(
  open: () => { store: Pick<Store, 'attempts'>; tracker: Tracker; experiment: string },
): void {
  let opened: ReturnType<typeof open>;
  let tracker: Tracker;
  let of: AttemptOf;

  beforeEach(() => {
    opened = open();
    ({ tracker } = opened);
    of = { pipeline: 'p', batch: 1, attempt: randomUUID() };
  });

  const deps = (over: Partial<TrackingDeps> = {}): TrackingDeps => ({
    store: opened.store,
    tracker,
    experimentName: opened.experiment,
    ...over,
  });

  const shown = { name: 'iris-v3', tags: {} };

  /** An execution of one activity of one workflow run; `attempt` counts its tries. */
  function execution(run: string, attempt = 1): Execution {
    const activity = `w/${run}/5`;
    const token = `${activity}/${attempt}`;
    return { ...makeExecution(activity), runId: run, token, isRetry: attempt > 1 };
  }

  /** A tracker whose methods can be replaced one by one. */
  function trackerWith(over: Partial<Tracker>): Tracker {
    return { ...tracker, ...over };
  }

  async function runsOf(attempt: string): Promise<string[]> {
    const experiment = await tracker.ensureExperiment(opened.experiment);
    const runs = await tracker.findRuns(experiment, { 'retrain.attempt': attempt });
    return runs.map(({ runId }) => runId);
  }

  it('has one run, whichever worker opens it and however often', async () => {
    const first = await openAttempt(deps(), of, execution('a'), shown);
    const again = await openAttempt(deps(), of, execution('a', 2), shown);
    const other = await openAttempt(deps(), of, execution('b'), shown);
    expect([again.run_id, other.run_id]).toEqual([first.run_id, first.run_id]);
    expect(await runsOf(of.attempt)).toEqual([first.run_id]);
  });

  it('has one run when five open it at once: one creates it, and the others wait', async () => {
    let created = 0;
    const counting = trackerWith({
      createRun: (run) => {
        created++;
        return tracker.createRun(run);
      },
    });
    const runs = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((run) =>
        openAttempt(deps({ tracker: counting }), of, execution(run), shown),
      ),
    );
    expect(new Set(runs.map(({ run_id }) => run_id)).size).toBe(1);
    expect(await runsOf(of.attempt)).toEqual([runs[0]!.run_id]);
    expect(created).toBe(1);
  });

  it('keeps the run of a try that died before it could enter it', async () => {
    const dying = trackerWith({
      createRun: async (run) => {
        await tracker.createRun(run);
        throw new Error('killed between create and enter');
      },
    });
    await expect(openAttempt(deps({ tracker: dying }), of, execution('a'), shown)).rejects.toThrow(
      'killed',
    );
    const [orphan] = await runsOf(of.attempt);
    const next = await openAttempt(deps(), of, execution('a', 2), shown);
    expect(next.run_id).toBe(orphan);
    expect(await runsOf(of.attempt)).toEqual([orphan]);
  });

  it('leaves one run when a zombie wakes after its successor has made another', async () => {
    let wake = (): void => undefined;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    let reached = (): void => undefined;
    const atCreate = new Promise<void>((resolve) => (reached = resolve));
    const sleepy = trackerWith({
      createRun: async (run) => {
        reached();
        await asleep;
        return tracker.createRun(run);
      },
    });
    const zombie = openAttempt(deps({ tracker: sleepy }), of, execution('a'), shown);
    await atCreate;
    const successor = await openAttempt(deps(), of, execution('a', 2), shown);
    wake();
    expect((await zombie).run_id).toBe(successor.run_id);
    expect(await runsOf(of.attempt)).toEqual([successor.run_id]);
  });

  it('is swept of what a zombie that died just after create left', async () => {
    const attempt = await openAttempt(deps(), of, execution('a'), shown);
    const { experiment_id: experimentId } = attempt;
    const left = {
      experimentId,
      name: 'left',
      startedAt: 1,
      tags: { 'retrain.attempt': of.attempt },
    };
    await tracker.createRun(left);
    await deleteOtherRuns(deps(), attempt);
    expect(await runsOf(of.attempt)).toEqual([attempt.run_id]);
  });

  it('keeps what was logged when several workers log at once', async () => {
    const attempt = await openAttempt(deps(), of, execution('a'), shown);
    await Promise.all([
      updateAttempt(deps(), attempt, { model_version: '3', logged: { train: 'k1' } }),
      updateAttempt(deps(), attempt, { logged: { evaluate: 'k2' } }),
    ]);
    const found = await findAttempt(deps(), of);
    expect(found).toMatchObject({ model_version: '3', logged: { train: 'k1', evaluate: 'k2' } });
  });

  it('is opened again on another tracking server, and its run there is found again', async () => {
    const here = await openAttempt(deps(), of, execution('a'), shown);
    await updateAttempt(deps(), here, { logged: { train: 'k' } });
    // The same server under another name: as when it has moved with its data.
    const uri = 'http://moved.example';
    const moved = { ...tracker, uri, place: () => uri };
    expect(await findAttempt(deps({ tracker: moved }), of)).toBeUndefined();
    const there = await openAttempt(deps({ tracker: moved }), of, execution('b'), shown);
    expect(there).toMatchObject({ run_id: here.run_id, tracking_uri: moved.uri, logged: {} });
    expect(await runsOf(of.attempt)).toEqual([here.run_id]);
  });

  it('takes no facts about a run on another server, and none about one that it has forgotten', async () => {
    const here = await openAttempt(deps(), of, execution('a'), shown);
    const uri = 'http://moved.example';
    const there = deps({ tracker: { ...tracker, uri, place: () => uri } });
    const next = await openAttempt(there, of, execution('b'), shown);
    const late = { model_version: '3', logged: { train: 'k' } };
    await expect(updateAttempt(deps(), here, late)).rejects.toMatchObject({
      name: 'TrackingMoved',
    });
    expect(await findAttempt(there, of)).toEqual(next);
    await forgetRun(there, next);
    expect(await findAttempt(there, of)).toBeUndefined();
    await expect(updateAttempt(there, next, late)).rejects.toMatchObject({ name: 'TrackingMoved' });
  });

  it('keeps its run when an execution that is late forgets an earlier one', async () => {
    const first = await openAttempt(deps(), of, execution('a'), shown);
    await forgetRun(deps(), first);
    await tracker.deleteRun(first.run_id);
    const second = await openAttempt(deps(), of, execution('b'), shown);
    expect(second.run_id).not.toBe(first.run_id);
    await forgetRun(deps(), first);
    expect(await findAttempt(deps(), of)).toEqual(second);
  });

  it('keeps the time at which scores were first logged', async () => {
    const attempt = await openAttempt(deps(), of, execution('a'), shown);
    await updateAttempt(deps(), attempt, { scored_at: { key: 1 } });
    await updateAttempt(deps(), attempt, { scored_at: { key: 2, other: 3 } });
    expect(await findAttempt(deps(), of)).toMatchObject({ scored_at: { key: 1, other: 3 } });
  });
}
