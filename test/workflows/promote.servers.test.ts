import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { pinPromotion } from '../../activities/pin_promotion.ts';
import type { ApprovalNotice } from '../../contract/activities.ts';
import { readGate } from '../../contract/defaults.ts';
import {
  approve,
  changeChampion,
  promotion,
  promotionIdOf,
  propose,
  reject,
  type Build,
  type ChangeRequest,
  type DecideRequest,
  type Entered,
  type GateDecision,
  type NoteRequest,
  type PromoteAnswer,
  type PromoteRequest,
  type PromotionOutcome,
  type PromotionView,
  type Proposal,
} from '../../contract/promotion.ts';
import { Champions } from '../../store/champions.ts';
import type { promote } from '../../workflows/promote.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeDecision } from '../support/promotions.ts';
import {
  openRealServer,
  openTimeSkipping,
  readHeartbeats,
  type WorkflowServer,
} from '../support/workflow-server.ts';
import { SOON } from '../support/soon.ts';

/**
 * The workflow with the real record of promotions, in a bucket in memory. The gate, the alias and the webhook are stubs.
 * Hours pass on Temporal's time-skipping test server; everything else runs on the real server.
 */

let real: WorkflowServer;
let skipping: WorkflowServer;
/** The one that the present test runs on. */
let temporal: WorkflowServer;

const own = Date.now().toString(36);

beforeAll(async () => {
  const workflows = new URL('promotion-callers.ts', import.meta.url);
  [real, skipping] = await Promise.all([openRealServer(workflows), openTimeSkipping(workflows)]);
});
beforeEach(() => (temporal = real));
afterAll(async () => {
  await real?.close();
  await skipping?.close();
});

const build = (version: number, seq = 1): Build => ({ version, seq });

const HELD: Partial<GateDecision> = { outcome: 'hold', reason: 'it is shown to be worse' };

let worlds = 0;

/** A pipeline with its record of promotions, and what the stubs were asked. */
class World {
  readonly pipeline = `p${own}-${worlds++}`;
  readonly champions = new Champions(new MemoryBucket());
  readonly notices: ApprovalNotice[] = [];
  readonly redecided: Build[] = [];
  /** The params by which the gate decided again. */
  readonly gates: DecideRequest['gate'][] = [];
  /** Whether the gate holds a build when it decides again. */
  isHeldAgain = false;
  /** Seconds, as the worker's setting. */
  heartbeatTimeout: number | undefined;
  /** Called before each promotion. */
  before: (request: PromoteRequest) => Promise<void> = async () => undefined;
  alias: Entered['alias'] = 'set';

  readonly activities = {
    pin_promotion: async (input: unknown) =>
      pinPromotion(
        { store: { champions: this.champions }, heartbeatTimeout: this.heartbeatTimeout },
        input,
      ),
    promote_version: async (request: PromoteRequest): Promise<PromoteAnswer> => {
      await this.before(request);
      const { id, by, reason, waits, proposal } = request;
      const { version, seq, decision } = proposal;
      const inputs = `inputs of ${version}`;
      const at = new Date().toISOString();
      const entry = { id, by, reason, waits, at, inputs, decision, build: { version, seq } };
      const answer = await this.champions.promote(this.pipeline, entry);
      return answer.answer === 'entered'
        ? { ...answer, alias: this.alias, warnings: ['the alias was moved by hand'] }
        : answer;
    },
    change_champion: async ({
      id,
      action,
      version,
      seen,
      by,
      reason,
    }: ChangeRequest): Promise<Entered> => {
      const at = new Date().toISOString();
      const entry = { id, by, reason, at };
      const event =
        action === 'promoted'
          ? await this.champions.promoteByHand(this.pipeline, {
              ...entry,
              seen,
              build: build(version!),
              inputs: `inputs of ${version}`,
            })
          : await this.champions.rollBack(this.pipeline, {
              ...entry,
              version,
              seen,
              check: async () => undefined,
              hashInputs: async (one) => `inputs of ${one.version}`,
            });
      return { answer: 'entered', event, alias: this.alias, warnings: ['the alias is old'] };
    },
    note_promotion: async ({ pipeline, ...note }: NoteRequest) =>
      this.champions.note(pipeline, { ...note, at: new Date().toISOString() }),
    decide_again: async (one: DecideRequest) => {
      this.gates.push(one.gate);
      this.redecided.push(build(one.version, one.seq));
      const { champion = null } = (await this.champions.read(this.pipeline)) ?? {};
      return { decision: makeDecision(champion, this.isHeldAgain ? HELD : {}) };
    },
    notify: async (notice: ApprovalNotice) => void this.notices.push(notice),
  };

  proposal(version: number, over: Partial<Proposal> = {}): Proposal {
    return {
      pipeline: this.pipeline,
      ...build(version),
      decision: makeDecision(),
      gate: readGate({}),
      ...over,
    };
  }

  waiting(version: number, over: Partial<Proposal['gate']> = {}): Proposal {
    return this.proposal(version, { gate: { ...readGate({}), approval: 'required', ...over } });
  }

  /** What happened, as `action version`. */
  async story(): Promise<string[]> {
    const { events = [] } = (await this.champions.read(this.pipeline)) ?? {};
    return events.map(({ action, version }) => `${action} ${version}`);
  }
}

interface Tools {
  queue: string;
  start: (proposal?: Proposal) => Promise<WorkflowHandle<typeof promote>>;
  propose: (
    proposal: Proposal,
  ) => Promise<WorkflowHandle<(one: Proposal) => Promise<PromotionOutcome>>>;
}

function play<T>(world: World, use: (tools: Tools) => Promise<T>): Promise<T> {
  return temporal.withWorker(world.activities, (queue) =>
    use({
      queue,
      start: (proposal) =>
        temporal.client.workflow.start<typeof promote>('promote', {
          taskQueue: queue,
          workflowId: promotionIdOf(world.pipeline),
          args: [{ pipeline: world.pipeline, ...(proposal === undefined ? {} : { proposal }) }],
        }),
      propose: (proposal) =>
        temporal.client.workflow.start('proposeBuild', {
          taskQueue: queue,
          workflowId: `${world.pipeline}-run-${proposal.version}-${randomUUID()}`,
          args: [proposal],
        }),
    }),
  );
}

const ann = (version: number) => ({ version, by: 'ann', reason: 'it is right about setosa' });

/** Waits until the promotion shows this. */
function shows(
  handle: WorkflowHandle,
  isSo: (view: PromotionView) => boolean,
): Promise<PromotionView> {
  return vi.waitFor(async () => {
    const view = await handle.query(promotion);
    if (!isSo(view)) throw new Error(`it never came to that: ${JSON.stringify(view)}`);
    return view;
  }, SOON);
}

const waits = (version: number) => (view: PromotionView) => view.waiting?.version === version;

/** The sentence with which an update was refused or failed. */
async function refusal(update: Promise<unknown>): Promise<string> {
  return update.then(
    (answer) => `it was not refused: ${JSON.stringify(answer)}`,
    (error: unknown) => ((error as Error).cause as Error).message,
  );
}

describe('a build that is proposed', () => {
  it('becomes the champion, and the run that proposed it is answered', async () => {
    const world = new World();
    const outcome = await play(world, async (tools) => {
      const run = await tools.propose(world.proposal(1));
      const answered = await run.result();
      await temporal.client.workflow.getHandle(promotionIdOf(world.pipeline)).result();
      return answered;
    });
    expect(outcome).toEqual({
      ...build(1),
      state: 'promoted',
      reason: 'it is not shown to be worse',
      champion: build(1),
      alias: 'set',
      warnings: ['the alias was moved by hand'],
    });
    expect(await world.story()).toEqual(['promoted 1']);
  });

  it('that the gate holds is not proposed', async () => {
    const world = new World();
    const held = world.proposal(2, { decision: makeDecision(build(1), HELD) });
    const champion = world.proposal(1, { decision: makeDecision(build(1), HELD) });
    const outcomes = await play(world, async (tools) => [
      await (await tools.propose(held)).result(),
      await (await tools.propose(champion)).result(),
    ]);
    expect(outcomes.map(({ state }) => state)).toEqual(['held', 'champion']);
    expect(await world.story()).toEqual([]);
  });

  it('is decided on again where the champion has changed since', async () => {
    const world = new World();
    await play(world, async ({ propose: send }) => {
      await (await send(world.proposal(1))).result();
      const second = await (await send(world.proposal(2))).result();
      expect(second).toMatchObject({ state: 'promoted', champion: build(2) });
      world.isHeldAgain = true;
      const third = await (await send(world.proposal(3))).result();
      expect(third).toMatchObject({
        state: 'held',
        reason: 'it is shown to be worse',
        champion: build(2),
      });
    });
    expect(world.redecided).toEqual([build(2), build(3)]);
    expect(await world.story()).toEqual(['promoted 1', 'promoted 2', 'held 3']);
  });

  it.each([
    ['30 s for a heartbeat', undefined, 30],
    ['for a heartbeat as long as its worker does', 7, 7],
  ])('and each activity of its promotion waits %s', async (_, setting, seconds) => {
    const world = new World();
    world.heartbeatTimeout = setting;
    const scheduled = await play(world, async ({ start, propose: send }) => {
      const handle = await start(world.waiting(2));
      await shows(handle, waits(2));
      await (await send(world.waiting(1))).result(); // superseded, which is noted
      await handle.executeUpdate(changeChampion, {
        args: [{ action: 'promoted', version: 1, by: 'ann', reason: 'it is faster' }],
      });
      await handle.executeUpdate(approve, { args: [ann(2)] }); // the gate decides again
      await handle.result();
      return readHeartbeats(handle);
    });
    expect(new Set(scheduled.map(([name]) => name))).toEqual(
      new Set(['promote_version', 'note_promotion', 'change_champion', 'decide_again', 'notify']),
    );
    const beating = scheduled.filter(([name]) => name !== 'notify');
    expect(beating.map(([, timeout]) => timeout)).toEqual(beating.map(() => seconds));
  });

  it('of two at once the older version goes first, and each run is answered', async () => {
    const world = new World();
    let [begin, release] = [(): void => undefined, (): void => undefined];
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const held = new Promise<void>((resolve) => (release = resolve));
    world.before = async ({ proposal }) => {
      begin();
      if (proposal.version === 1) await held;
    };
    const outcomes = await play(world, async ({ propose: send }) => {
      const runs = [await send(world.proposal(1))];
      await begun;
      const handle = temporal.client.workflow.getHandle(promotionIdOf(world.pipeline));
      for (const version of [4, 3, 2]) {
        runs.push(await send(world.proposal(version)));
        await signals(handle, runs.length - 1);
      }
      release();
      return Promise.all(runs.map((run) => run.result()));
    });
    expect(await world.story()).toEqual(['promoted 1', 'promoted 2', 'promoted 3', 'promoted 4']);
    expect(outcomes.map(({ version, state }) => `${state} ${version}`)).toEqual([
      'promoted 1',
      'promoted 4',
      'promoted 3',
      'promoted 2',
    ]);
  });

  it('is not lost where the promotion ends at that moment', async () => {
    const world = new World();
    await play(world, async ({ propose: send }) => {
      const versions = Array.from({ length: 12 }, (_, i) => i + 1);
      const runs = await Promise.all(versions.map((version) => send(world.proposal(version))));
      const outcomes = await Promise.all(runs.map((run) => run.result()));
      expect(outcomes.map(({ state }) => state).filter((state) => state === 'proposed')).toEqual(
        [],
      );
    });
    const history = (await world.champions.read(world.pipeline))!;
    expect(history.champion).toEqual(build(12));
    expect(new Set(history.events.map(({ version }) => version)).size).toBe(12);
  });

  it('that cannot be promoted fails the promotion with the sentence, and not the run', async () => {
    const world = new World();
    world.before = async ({ proposal }) => {
      if (proposal.version === 1)
        throw ApplicationFailure.nonRetryable('the record is damaged', 'DamagedArtifact');
    };
    await play(world, async ({ start, propose: send }) => {
      const outcome = await (await send(world.proposal(1))).result();
      expect(outcome).toMatchObject({
        state: 'held',
        reason: 'it could not be promoted: the record is damaged',
      });
      const ended = temporal.client.workflow.getHandle(promotionIdOf(world.pipeline)).result();
      await expect(ended).rejects.toMatchObject({ cause: { message: 'the record is damaged' } });
      await (await start(world.proposal(2))).result();
    });
    expect(await world.story()).toEqual(['promoted 2']);
  });

  it('is decided on again by the gate in its params', async () => {
    const world = new World();
    const gate = { ...readGate({}), rule: 'better', margin: 0.1 } as const;
    await play(world, async ({ propose: send }) => {
      await (await send(world.proposal(1))).result();
      await (await send(world.proposal(2, { gate }))).result();
    });
    expect(world.gates).toEqual([gate]);
  });

  it('in a signal that is no proposal is left out', async () => {
    const world = new World();
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      await handle.signal(propose, { pipeline: 'other' } as never);
      await handle.signal('propose', 'text');
      const wrong: Partial<Record<keyof Proposal['gate'], unknown>>[] = [
        { approval: 'maybe' },
        { reminder_hours: 0.0001 },
        { reminder_hours: '24' },
        { expiry_hours: 1e12 },
        { expiry_hours: 0 - 1 },
      ];
      for (const over of wrong) await handle.signal(propose, world.waiting(2, over as never));
      const decision = { ...makeDecision(), outcome: 'perhaps' } as never;
      await handle.signal(propose, { ...world.waiting(2), decision });
      await handle.executeUpdate(approve, { args: [ann(1)] });
      await handle.result();
    });
    expect(await world.story()).toEqual(['promoted 1']);
  });
});

/** Waits until so many signals are in the history. */
async function signals(handle: WorkflowHandle, count: number): Promise<void> {
  await vi.waitFor(async () => {
    const { events } = await handle.fetchHistory();
    const found = events?.filter((event) => event.workflowExecutionSignaledEventAttributes != null);
    expect(found?.length).toBeGreaterThanOrEqual(count);
  }, SOON);
}

describe('an approval', () => {
  it('by a person makes the version the champion, with who and why', async () => {
    const world = new World();
    const event = await play(world, async ({ propose: send }) => {
      const outcome = await (await send(world.waiting(1))).result();
      expect(outcome).toMatchObject({ state: 'waiting', champion: null });
      const handle = temporal.client.workflow.getHandle<typeof promote>(
        promotionIdOf(world.pipeline),
      );
      expect(await handle.query(promotion)).toMatchObject({
        waiting: { ...build(1), until: null, decision: { metric: 'accuracy' } },
      });
      const answered = await handle.executeUpdate(approve, { args: [ann(1)] });
      await handle.result();
      return answered;
    });
    expect(event).toMatchObject({
      action: 'promoted',
      ...ann(1),
      before: null,
      alias: 'set',
      warnings: ['the alias was moved by hand'],
    });
    expect(world.notices).toMatchObject([
      {
        event: 'approval',
        version: build(1),
        reminder: 0,
        approve: `npx retrain approve 1.1 --reason "REASON" --pipeline ${world.pipeline}`,
      },
    ]);
  });

  it('that is rejected ends the wait, and the champion stays', async () => {
    const world = new World();
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      const event = await handle.executeUpdate(reject, { args: [ann(1)] });
      expect(event).toMatchObject({ action: 'rejected', by: 'ann' });
      expect(await handle.result()).toMatchObject({ champion: null, waiting: null });
    });
    expect(await world.story()).toEqual(['rejected 1']);
  });

  it('of a version that was superseded is refused, and says which one waits', async () => {
    const world = new World();
    await play(world, async ({ start, propose: send }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      await handle.signal(propose, world.waiting(2));
      await shows(handle, waits(2));
      expect(await refusal(handle.executeUpdate(approve, { args: [ann(1)] }))).toBe(
        `version 1 of ${world.pipeline} does not wait for approval, version 2 does: build 2.1 is newer`,
      );
      const late = await (await send(world.waiting(1))).result();
      expect(late).toMatchObject({ state: 'superseded', reason: 'build 2.1 is newer' });
      await handle.executeUpdate(approve, { args: [ann(2)] });
      await handle.result();
    });
    expect(await world.story()).toEqual(['superseded 1', 'promoted 2']);
  });

  it('names the build that the person has seen, and reaches no other', async () => {
    const world = new World();
    const { pipeline } = world;
    let [begin, release] = [(): void => undefined, (): void => undefined];
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const held = new Promise<void>((resolve) => (release = resolve));
    world.before = async ({ proposal }) => {
      if (proposal.seq !== 2) return;
      begin();
      await held;
    };
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(3));
      await shows(handle, waits(3));
      expect(await refusal(handle.executeUpdate(approve, { args: [{ ...ann(3), seq: 2 }] }))).toBe(
        `build 3.2 of ${pipeline} does not wait for approval, build 3.1 does`,
      );
      await handle.signal(propose, { ...world.waiting(3), seq: 2 });
      await begun;
      // It is accepted while build 3.1 waits, and served when build 3.2 does.
      const early = await handle.startUpdate(approve, {
        args: [ann(3)],
        waitForStage: 'ACCEPTED',
      });
      release();
      expect(await refusal(early.result())).toBe(
        `build 3.1 of ${pipeline} does not wait for approval, build 3.2 does: build 3.2 is newer`,
      );
      await handle.executeUpdate(approve, { args: [{ ...ann(3), seq: 2 }] });
      await handle.result();
    });
    expect((await world.champions.read(pipeline))!.champion).toEqual(build(3, 2));
  });

  it('with the id of an earlier one is about its own version', async () => {
    const world = new World();
    await play(world, async ({ start }) => {
      for (const version of [1, 2]) {
        const handle = await start(world.waiting(version));
        await shows(handle, waits(version));
        const event = await handle.executeUpdate(approve, {
          args: [ann(version)],
          updateId: 'again',
        });
        expect(event).toMatchObject({ action: 'promoted', version });
        await handle.result();
      }
    });
    expect(await world.story()).toEqual(['promoted 1', 'promoted 2']);
  });

  it('is no longer needed where the build is proposed again and no person must approve it', async () => {
    const world = new World();
    await play(world, async ({ start, propose: send }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      const patient = await (await send(world.waiting(1, { expiry_hours: 5 }))).result();
      expect(patient).toMatchObject({ state: 'waiting' });
      const { waiting } = await handle.query(promotion);
      expect(Date.parse(waiting!.until!) - Date.parse(waiting!.since)).toBe(5 * 3_600_000);
      expect(await (await send(world.proposal(1))).result()).toMatchObject({ state: 'promoted' });
      await handle.result();
    });
    expect(await world.story()).toEqual(['promoted 1']);
    expect(world.notices).toHaveLength(1);
  });

  it('ends where the build is proposed again and the gate holds it now', async () => {
    const world = new World();
    await play(world, async ({ start, propose: send }) => {
      await (await send(world.proposal(1))).result();
      await temporal.client.workflow.getHandle(promotionIdOf(world.pipeline)).result();
      const decision = makeDecision(build(1));
      const handle = await start({ ...world.waiting(2), decision });
      await shows(handle, waits(2));
      world.isHeldAgain = true;
      const outcome = await (await send(world.proposal(2))).result();
      expect(outcome).toMatchObject({ state: 'held', reason: 'it is shown to be worse' });
      expect(await handle.result()).toMatchObject({ waiting: null });
    });
    expect(await world.story()).toEqual(['promoted 1', 'held 2']);
  });

  it.each([true, false])(
    'ends where a newer build of the version is held, by its own gate: %s',
    async (isHeldAtOnce) => {
      const world = new World();
      await play(world, async ({ start, propose: send }) => {
        await (await send(world.proposal(1))).result();
        await temporal.client.workflow.getHandle(promotionIdOf(world.pipeline)).result();
        const handle = await start({ ...world.waiting(2), decision: makeDecision(build(1)) });
        await shows(handle, waits(2));
        world.isHeldAgain = true;
        const decision = isHeldAtOnce ? makeDecision(build(1), HELD) : makeDecision();
        const outcome = await (await send({ ...world.waiting(2), seq: 2, decision })).result();
        expect(outcome).toMatchObject({ state: 'held', reason: 'it is shown to be worse' });
        expect(await handle.result()).toMatchObject({ waiting: null });
      });
      const ends = isHeldAtOnce ? ['superseded 2'] : ['held 2', 'superseded 2'];
      expect(await world.story()).toEqual(['promoted 1', ...ends]);
    },
  );

  it('of which reminders were due while no worker ran is reminded of once', async () => {
    const world = new World();
    await play(world, async ({ queue }) => {
      const since = new Date(Date.now() - 5.5 * 24 * 3_600_000).toISOString();
      const waiting = { proposal: world.waiting(2), since, notices: 1 };
      const handle = await temporal.client.workflow.start<typeof promote>('promote', {
        taskQueue: queue,
        workflowId: promotionIdOf(world.pipeline),
        args: [{ pipeline: world.pipeline, handedOn: { queue: [], waiting } }],
      });
      expect(await shows(handle, waits(2))).toMatchObject({ waiting: { since } });
      await expect.poll(() => world.notices.length).toBe(1);
      await handle.executeUpdate(reject, { args: [ann(2)] });
      await handle.result();
    });
    expect(world.notices.map(({ reminder }) => reminder)).toEqual([5]);
  });

  it('of two at once one counts, and the other is refused', async () => {
    const world = new World();
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      const bob = { version: 1, by: 'bob', reason: 'it is wrong' };
      const answers = await Promise.allSettled([
        handle.executeUpdate(approve, { args: [ann(1)] }),
        handle.executeUpdate(reject, { args: [bob] }),
      ]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      await handle.result();
    });
    expect(await world.story()).toHaveLength(1);
  });

  it('without a reason, a name or a version that waits is refused', async () => {
    const world = new World();
    const long = 'x'.repeat(1_001);
    const wrong: [verdict: unknown, sentence: RegExp][] = [
      [{ version: 1, by: 'ann', reason: ' ' }, /^reason is " ": expected a text of 1 to 1000/],
      [{ version: 1, by: 'ann', reason: long }, /^reason is "x+\.\.\.: expected/],
      [{ version: 1, by: '', reason: 'r' }, /^by is "": expected the name of a person/],
      [{ version: 1, by: 'a\u001b[2Jb', reason: 'r' }, /^by is "a\\u001b\[2Jb": expected/],
      [{ ...ann(1), reason: 'a\u001bb' }, /a text of 1 to 1000 .*: it has \\u001b$/],
      [{ version: 1, by: long, reason: 'r' }, /^by is "x+\.\.\.: expected/],
      [{ version: '1', by: 'ann', reason: 'r' }, /^version is "1": expected the number/],
      [{ ...ann(7) }, /^version 7 of \S+ does not wait for approval, version 1 does$/],
      ['yes', /^the argument is "yes": expected an object/],
    ];
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      for (const [verdict, sentence] of wrong)
        expect(await refusal(handle.executeUpdate('approve', { args: [verdict] }))).toMatch(
          sentence,
        );
      await handle.executeUpdate(reject, { args: [ann(1)] });
      await handle.result();
    });
    expect(await world.story()).toEqual(['rejected 1']);
  });

  it('is reminded of, and expires', async () => {
    temporal = skipping;
    const world = new World();
    const view = await play(world, async ({ start }) =>
      (await start(world.waiting(1, { reminder_hours: 10, expiry_hours: 25 }))).result(),
    );
    expect(view.events).toMatchObject([
      { action: 'expired', by: 'gate', reason: 'nobody approved it in 25 hours' },
    ]);
    expect(world.notices.map(({ reminder }) => reminder)).toEqual([0, 1, 2]);
    expect(world.notices[0]!.until).toBe(
      new Date(Date.parse(world.notices[0]!.since) + 25 * 3_600_000).toISOString(),
    );
  });

  it('does not hold where the champion has changed and the gate holds the version now', async () => {
    const world = new World();
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(3));
      await shows(handle, waits(3));
      await handle.signal(propose, world.proposal(2));
      await shows(handle, ({ champion }) => champion?.version === 2);
      world.isHeldAgain = true;
      const event = await handle.executeUpdate(approve, { args: [ann(3)] });
      expect(event).toMatchObject({
        action: 'held',
        by: 'gate',
        reason:
          'ann approved it (it is right about setosa), and the gate holds it now: it is shown to be worse',
      });
      await handle.result();
    });
    expect(await world.story()).toEqual(['promoted 2', 'held 3']);
  });

  it('still waits in the execution that continues a long history', async () => {
    const world = new World();
    await play(world, async ({ queue }) => {
      const { pipeline } = world;
      const since = new Date().toISOString();
      const waiting = { proposal: world.waiting(2), since, notices: 3 };
      const handle = await temporal.client.workflow.start<typeof promote>('promote', {
        taskQueue: queue,
        workflowId: promotionIdOf(pipeline),
        args: [{ pipeline, handedOn: { queue: [world.proposal(1)], waiting } }],
      });
      const view = await shows(handle, ({ champion }) => champion?.version === 1);
      expect(view.waiting).toMatchObject({ ...build(2), since });
      await handle.executeUpdate(approve, { args: [ann(2)] });
      await handle.result();
    });
    expect(await world.story()).toEqual(['promoted 1', 'promoted 2']);
    expect(world.notices).toEqual([]);
  });

  it('that fails leaves the version waiting', async () => {
    const world = new World();
    let fails = true;
    world.before = async (request) => {
      if (!request.waits && fails)
        throw ApplicationFailure.nonRetryable('S3 refuses', 'StorageRefused');
    };
    await play(world, async ({ start }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      expect(await refusal(handle.executeUpdate(approve, { args: [ann(1)] }))).toBe('S3 refuses');
      fails = false;
      await handle.executeUpdate(approve, { args: [ann(1)] });
      await handle.result();
    });
    expect(await world.story()).toEqual(['promoted 1']);
  });
});

describe('a change by a person', () => {
  const change = (world: World, queue: string, args: unknown, updateId: string = randomUUID()) =>
    temporal.client.workflow.executeUpdateWithStart(changeChampion, {
      updateId,
      args: [args as never],
      startWorkflowOperation: new WithStartWorkflowOperation<typeof promote>('promote', {
        workflowId: promotionIdOf(world.pipeline),
        taskQueue: queue,
        args: [{ pipeline: world.pipeline }],
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    });
  const back = { action: 'rolled_back', by: 'ann', reason: 'it is wrong' };

  it('starts the promotion, takes the champion back, and keeps the gate from promoting it', async () => {
    const world = new World();
    await play(world, async ({ queue, propose: send }) => {
      for (const version of [1, 2]) await (await send(world.proposal(version))).result();
      expect(await change(world, queue, back)).toMatchObject({
        action: 'rolled_back',
        ...build(1),
        before: build(2),
        alias: 'set',
        warnings: ['the alias is old'],
      });
      const again = await (await send(world.proposal(2))).result();
      expect(again).toMatchObject({ state: 'held', champion: build(1) });
      expect(again.reason).toContain('was taken back');
      const seen = build(2);
      expect(await refusal(change(world, queue, { ...back, seen }))).toContain('has 1.1 now');
      await change(world, queue, { ...back, action: 'promoted', version: 2, seen: build(1) });
    });
    expect((await world.champions.read(world.pipeline))!.champion).toEqual(build(2));
  });

  it('that is repeated with its id is one event, also in a later execution', async () => {
    const world = new World();
    await play(world, async ({ queue, propose: send }) => {
      for (const version of [1, 2, 3]) await (await send(world.proposal(version))).result();
      const first = await change(world, queue, back, 'once');
      await temporal.client.workflow.getHandle(promotionIdOf(world.pipeline)).result();
      expect(await change(world, queue, back, 'once')).toEqual(first);
    });
    expect((await world.champions.read(world.pipeline))!.champion).toEqual(build(2));
  });

  it('supersedes an older version that waits', async () => {
    const world = new World();
    await play(world, async ({ queue, start }) => {
      const handle = await start(world.waiting(1));
      await shows(handle, waits(1));
      await change(world, queue, { ...back, action: 'promoted', version: 2 });
      await handle.result();
    });
    expect(await world.story()).toEqual(['promoted 2', 'superseded 1']);
  });

  it('that names no action, or has nothing to take back, is refused', async () => {
    const world = new World();
    const wrong: [change: unknown, sentence: RegExp][] = [
      [
        { ...back, action: 'removed' },
        /^action is "removed": expected "promoted" or "rolled_back"/,
      ],
      [{ ...back, seen: 'x' }, /^seen is "x": expected a build/],
      [{ ...back, action: 'promoted' }, /^version is missing: expected the number of a version/],
      [back, /has no champion, so there is nothing to take back/],
    ];
    await play(world, async ({ queue }) => {
      for (const [args, sentence] of wrong)
        expect(await refusal(change(world, queue, args))).toMatch(sentence);
    });
    expect(await world.story()).toEqual([]);
  });
});

it('tracking that is away is followed by a workflow that logs the champion later', async () => {
  const world = new World();
  world.alias = 'later';
  await play(world, async ({ propose: send }) => {
    expect(await (await send(world.proposal(1))).result()).toMatchObject({ alias: 'later' });
    const later = temporal.client.workflow.getHandle(`${world.pipeline}-champion-1.1`);
    await later.result();
  });
  expect(await world.story()).toEqual(['promoted 1']);
});

it('input that is no pipeline is refused with a sentence', async () => {
  const world = new World();
  await play(world, async ({ queue }) => {
    const ended = temporal.client.workflow.execute('promote', {
      taskQueue: queue,
      workflowId: `bad-${world.pipeline}`,
      args: [{ pipeline: '../x' }],
    });
    await expect(ended).rejects.toMatchObject({ cause: { type: 'BadParams' } });
    const without = temporal.client.workflow.execute('promote', {
      taskQueue: queue,
      workflowId: `without-${world.pipeline}`,
      args: [],
    });
    await expect(without).rejects.toMatchObject({ cause: { type: 'BadParams' } });
    const { pipeline } = world;
    const odd = { pipeline, proposal: null, handedOn: { queue: 7, waiting: { since: 'x' } } };
    const started = temporal.client.workflow.execute('promote', {
      taskQueue: queue,
      workflowId: `odd-${world.pipeline}`,
      args: [odd],
    });
    expect(await started).toMatchObject({ champion: null, waiting: null, events: [] });
  });
});
