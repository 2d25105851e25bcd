import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Build } from '../../contract/promotion.ts';
import { isSameBuild } from '../../contract/versions.ts';
import type { Bucket } from '../../store/bucket.ts';
import {
  Champions,
  hashTrainInputs,
  listStanding,
  type ChampionHistory,
} from '../../store/champions.ts';
import { refOf } from '../../store/hash.ts';
import { everyOrder, failuresOf, type Client } from '../support/interleavings.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeDecision } from '../support/promotions.ts';
import { makeEntry, stageOf } from './made-records.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const at = '2026-01-01T00:00:00.000Z';
const build = (version: number, seq = 1): Build => ({ version, seq });
const inputsOf = ({ version }: Build): string => `inputs of version ${version}`;

/** A promotion as the workflow does it: where the champion has changed, the gate decides again. */
const promoting =
  (one: Build, id = `promote ${one.version}.${one.seq}`): Client =>
  async (bucket) => {
    const champions = new Champions(bucket);
    for (;;) {
      const champion = (await champions.read('p'))?.champion ?? null;
      const answer = await champions.promote('p', {
        id,
        build: one,
        inputs: inputsOf(one),
        decision: makeDecision(champion),
        by: 'gate',
        reason: 'it is not shown to be worse',
        at,
      });
      if (answer.answer !== 'changed') return answer;
    }
  };

const rollingBack =
  (id: string, version?: number, seen?: Build | null): Client =>
  (bucket) =>
    new Champions(bucket).rollBack('p', {
      id,
      version,
      seen,
      check: async () => undefined,
      hashInputs: async (one) => inputsOf(one),
      by: 'ann',
      reason: 'it is wrong about setosa',
      at,
    });

const byHand =
  (one: Build, id: string, seen?: Build | null): Client =>
  (bucket) =>
    new Champions(bucket).promoteByHand('p', {
      id,
      build: one,
      inputs: inputsOf(one),
      seen,
      by: 'ann',
      reason: 'it is right after all',
      at,
    });

const read = async (bucket: Bucket): Promise<ChampionHistory> =>
  (await new Champions(bucket).read('p'))!;

/** The champion follows from the events, each event from the one before, and no request has two events. */
function expectLawful({ champion, events }: ChampionHistory): void {
  let now: Build | null = null;
  for (const [i, event] of events.entries()) {
    expect(event.number).toBe(i + 1);
    expect(isSameBuild(event.before, now)).toBe(true);
    if (event.action === 'promoted' || event.action === 'rolled_back')
      now = { version: event.version, seq: event.seq };
    const isByGate = event.action === 'promoted' && event.by === 'gate';
    expect(
      !isByGate ||
        (isSameBuild(event.decision!.champion, event.before) &&
          event.version >= (event.before?.version ?? 0)),
    ).toBe(true);
  }
  expect(isSameBuild(champion, now)).toBe(true);
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
}

describe('in every order of their requests', () => {
  it('two gates at once leave one champion, which is the newer version', async () => {
    await everyOrder({
      before: async (bucket) => void (await promoting(build(1))(bucket)),
      clients: () => [promoting(build(2)), promoting(build(3))],
      after: async (bucket, ended) => {
        expect(failuresOf(ended)).toEqual([]);
        const history = await read(bucket);
        expectLawful(history);
        expect(history.champion).toEqual(build(3));
        expect(history.events).toHaveLength(3);
      },
    });
  });

  it('a gate, a rollback and a crash of either leave a history that explains the champion', async () => {
    await everyOrder({
      before: async (bucket) => {
        await promoting(build(1))(bucket);
        await promoting(build(2))(bucket);
      },
      clients: () => [promoting(build(3)), rollingBack('back')],
      crashes: 1,
      after: async (bucket, ended) => {
        expect(failuresOf(ended)).toEqual([]);
        expectLawful(await read(bucket));
        // The retry of what crashed adds nothing twice.
        await promoting(build(3))(bucket);
        await rollingBack('back')(bucket);
        const history = await read(bucket);
        expectLawful(history);
        expect(history.events).toHaveLength(4);
      },
    });
  });

  it('the same request twice at once is one event', async () => {
    await everyOrder({
      clients: () => [promoting(build(1), 'once'), promoting(build(1), 'once')],
      crashes: 1,
      after: async (bucket) => {
        await promoting(build(1), 'once')(bucket);
        expect((await read(bucket)).events).toHaveLength(1);
      },
    });
  });
});

type Step =
  { do: 'gate'; version: number; seq: number } | { do: 'hand'; version: number } | { do: 'back' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('gate' as const),
      version: fc.integer({ min: 1, max: 5 }),
      seq: fc.integer({ min: 1, max: 2 }),
    }),
    fc.record({ do: fc.constant('hand' as const), version: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constant('back' as const) }),
  ),
  { maxLength: 12 },
);

async function take(bucket: Bucket, step: Step, id: string): Promise<void> {
  if (step.do === 'gate') await promoting(build(step.version, step.seq), id)(bucket);
  else if (step.do === 'hand') await byHand(build(step.version), id)(bucket).catch(ignore);
  else await rollingBack(id)(bucket).catch(ignore);
}

function ignore(error: unknown): void {
  expect(['Conflict', 'MissingHistory']).toContain((error as Error).name);
}

describe('any sequence of promotions and rollbacks', () => {
  it('is explained by its events, and its repeat adds nothing', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const bucket = new MemoryBucket();
        for (const [i, step] of taken.entries()) {
          await take(bucket, step, `${i}`);
          const before = await new Champions(bucket).read('p');
          if (before === undefined) continue;
          expectLawful(before);
          expect(listStanding(before).at(-1) ?? null).toEqual(before.champion);
          if (before.events.some(({ id }) => id === `${i}`)) await take(bucket, step, `${i}`);
          expect(await read(bucket)).toEqual(before);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never lets the gate promote what was taken back, until a person does', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const bucket = new MemoryBucket();
        const barred = new Set<number>();
        for (const [i, step] of taken.entries()) {
          const before = (await new Champions(bucket).read('p'))?.champion ?? null;
          await take(bucket, step, `${i}`);
          const event = (await new Champions(bucket).read('p'))?.events.find(
            ({ id }) => id === `${i}`,
          );
          if (event?.action === 'rolled_back') {
            barred.add(before!.version);
            barred.delete(event.version);
          }
          const isByGate = event?.action === 'promoted' && event.by === 'gate';
          expect(isByGate && barred.has(event.version)).toBe(false);
          if (event?.action === 'promoted') barred.delete(event.version);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a rollback', () => {
  async function after(...versions: number[]): Promise<Bucket> {
    const bucket = new MemoryBucket();
    for (const version of versions) await promoting(build(version))(bucket);
    return bucket;
  }

  it('goes back one champion, and a second one further back', async () => {
    const bucket = await after(1, 2, 3);
    expect(await rollingBack('a')(bucket)).toMatchObject({ version: 2, before: build(3) });
    expect(await rollingBack('b')(bucket)).toMatchObject({ version: 1, before: build(2) });
    await expect(rollingBack('c')(bucket)).rejects.toThrow(
      'build 1.1 of p had no champion before it: choose another version with "npx retrain promote N --reason REASON --pipeline p"',
    );
  });

  it('to an earlier version bars every champion since', async () => {
    const bucket = await after(1, 2, 3);
    await rollingBack('a', 1)(bucket);
    expect((await read(bucket)).barred.map(({ version }) => version)).toEqual([2, 3]);
    expect(await promoting(build(2, 2))(bucket)).toMatchObject({
      event: {
        action: 'held',
        reason:
          'build 2.1, which was trained on the same data with the same params, was taken back: only a person can promote it',
      },
    });
    expect(await promoting(build(4))(bucket)).toMatchObject({ event: { action: 'promoted' } });
  });

  it('does not bar the champion that it goes back to', async () => {
    const bucket = await after(1, 2);
    await byHand(build(1), 'hand')(bucket);
    await expect(rollingBack('same', 1)(bucket)).rejects.toThrow(
      'build 1.1 of p is the champion already',
    );
    await rollingBack('a')(bucket);
    expect(await read(bucket)).toMatchObject({ champion: build(2), barred: [build(1)] });
    await rollingBack('b')(bucket);
    expect(await read(bucket)).toMatchObject({ champion: build(1), barred: [build(2)] });
  });

  it('names the way for a version that was not the champion', async () => {
    const bucket = await after(1, 3);
    await expect(rollingBack('a', 2)(bucket)).rejects.toThrow(
      'version 2 of p was not the champion before build 3.1: make it the champion with "npx retrain promote 2 --reason REASON --pipeline p"',
    );
  });

  it('to the version that is the champion is refused, and bars nothing', async () => {
    const bucket = await after(1);
    await expect(rollingBack('a', 1)(bucket)).rejects.toThrow(
      /^build 1\.1 of p is the champion already$/,
    );
    await promoting(build(2))(bucket);
    await byHand(build(1), 'hand')(bucket);
    await byHand(build(2), 'again')(bucket);
    await expect(rollingBack('b', 2)(bucket)).rejects.toThrow(
      'build 2.1 of p is the champion already',
    );
    expect(await read(bucket)).toMatchObject({ champion: build(2), barred: [] });
  });

  it('of a champion that another person has taken back meanwhile is refused', async () => {
    const bucket = await after(1, 2, 3);
    await rollingBack('a', undefined, build(3))(bucket);
    const before = await read(bucket);
    const refusal =
      'nothing is changed: p had the champion 3.1 when you decided, and has 2.1 now, by ann: see "npx retrain champion --pipeline p", then decide again';
    await expect(rollingBack('b', undefined, build(3))(bucket)).rejects.toThrow(refusal);
    await expect(byHand(build(1), 'c', build(3))(bucket)).rejects.toThrow(refusal);
    await expect(byHand(build(1), 'd', null)(bucket)).rejects.toThrow('p had no champion when');
    expect(await read(bucket)).toEqual(before);
    // The repeat of the first one finds its event.
    expect(await rollingBack('a', undefined, build(3))(bucket)).toMatchObject(build(2));
  });

  it('of nothing is refused', async () => {
    await expect(rollingBack('a')(new MemoryBucket())).rejects.toThrow(
      'p has no champion, so there is nothing to take back',
    );
  });
});

describe('a rejected build', () => {
  const rejecting =
    (one: Build): Client =>
    (bucket) =>
      new Champions(bucket).note('p', {
        id: `reject ${one.version}.${one.seq}`,
        action: 'rejected',
        build: one,
        inputs: inputsOf(one),
        decision: null,
        by: 'ann',
        reason: 'it is worse for new customers',
        at,
      });

  it('stays out, as do builds of the same inputs, until a person promotes one', async () => {
    const bucket = new MemoryBucket();
    await promoting(build(1))(bucket);
    await rejecting(build(2))(bucket);
    await rejecting(build(2, 2))(bucket);
    expect((await read(bucket)).barred).toEqual([
      { ...build(2), inputs: inputsOf(build(2)), action: 'rejected' },
    ]);
    expect(await promoting(build(2), 'again')(bucket)).toMatchObject({
      event: {
        action: 'held',
        reason: 'build 2.1 was rejected: only a person can promote it',
      },
    });
    const waiting = new Champions(bucket).promote('p', {
      id: 'wait',
      build: build(2, 3),
      inputs: inputsOf(build(2)),
      decision: makeDecision(build(1)),
      by: 'gate',
      reason: 'it is not shown to be worse',
      at,
      waits: true,
    });
    expect(await waiting).toMatchObject({
      event: {
        action: 'held',
        reason:
          'build 2.1, which was trained on the same data with the same params, was rejected: only a person can promote it',
      },
    });
    await byHand(build(2, 3), 'hand')(bucket);
    expect(await read(bucket)).toMatchObject({ champion: build(2, 3), barred: [] });
  });

  it('does not stop a version with other data', async () => {
    const bucket = new MemoryBucket();
    await rejecting(build(1))(bucket);
    expect(await promoting(build(2))(bucket)).toMatchObject({ event: { action: 'promoted' } });
  });
});

it('an older version that arrives late is held', async () => {
  const bucket = new MemoryBucket();
  await promoting(build(4))(bucket);
  expect(await promoting(build(3))(bucket)).toMatchObject({
    event: { action: 'held', reason: 'version 3 is older than the champion, build 4.1' },
  });
});

it('the champion again is no event', async () => {
  const bucket = new MemoryBucket();
  await promoting(build(1))(bucket);
  expect(await promoting(build(1), 'again')(bucket)).toEqual({ answer: 'already' });
  await expect(byHand(build(1), 'hand')(bucket)).rejects.toThrow(
    'build 1.1 of p is the champion already',
  );
});

it('inputs are the same where only the code of a stage is newer', () => {
  const train = refOf('data/processed/train/', Buffer.from('rows'));
  const stage = stageOf(
    makeEntry('train', 1, {}, { inputs: { train }, params: { model: { max_depth: 3 } } }),
  );
  const hash = hashTrainInputs({ stages: [stage] });
  expect(hashTrainInputs({ stages: [{ ...stage, code: 9, key: 'other' }] })).toBe(hash);
  expect(hashTrainInputs({ stages: [{ ...stage, params: { model: { max_depth: 4 } } }] })).not.toBe(
    hash,
  );
});
