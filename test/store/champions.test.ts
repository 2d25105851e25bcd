import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BadData } from '../../contract/failures.ts';
import type { Build } from '../../contract/promotion.ts';
import { isSameBuild } from '../../contract/versions.ts';
import type { Bucket } from '../../store/bucket.ts';
import {
  Champions,
  championsKey,
  hashTrainInputs,
  listStanding,
  type ChampionHistory,
} from '../../store/champions.ts';
import { refOf } from '../../store/hash.ts';
import { everyOrder, failuresOf, type Client } from '../support/interleavings.ts';
import { MemoryBucket, noteRequests } from '../support/memory-bucket.ts';
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

type Step =
  | { do: 'gate' | 'hand' | 'reject'; version: number; seq: number }
  | { do: 'back'; version: number | undefined };

const someVersion = fc.integer({ min: 1, max: 5 });
const someBuild = { version: someVersion, seq: fc.integer({ min: 1, max: 2 }) };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('gate'), ...someBuild }) },
    fc.record({ do: fc.constantFrom('hand', 'reject'), ...someBuild }),
    fc.record({ do: fc.constant('back'), version: fc.option(someVersion, { nil: undefined }) }),
  ),
  { maxLength: 12 },
);

const byNumber = (a: number, b: number): number => a - b;

async function take(bucket: Bucket, step: Step, id: string): Promise<void> {
  if (step.do === 'gate') await promoting(build(step.version, step.seq), id)(bucket);
  else if (step.do === 'hand')
    await byHand(build(step.version, step.seq), id)(bucket).catch(ignore);
  else if (step.do === 'reject') await rejecting(build(step.version, step.seq))(bucket);
  else await rollingBack(id, step.version)(bucket).catch(ignore);
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

  it('bars exactly what was taken back or rejected since a person last chose it, for the gate', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const bucket = new MemoryBucket();
        const barred = new Set<number>();
        let known = 0;
        for (const [i, step] of taken.entries()) {
          const before = await new Champions(bucket).read('p');
          await take(bucket, step, `${i}`);
          const history = await new Champions(bucket).read('p');
          if (history === undefined) continue;
          const event = history.events.length > known ? history.events.at(-1)! : undefined;
          known = history.events.length;
          const isPromoted = event?.action === 'promoted';
          expect(isPromoted && event.by === 'gate' && barred.has(event.version)).toBe(false);
          if (event?.action === 'rejected') barred.add(event.version);
          if (event?.action === 'rolled_back')
            for (const one of listStanding(before!).slice(listStanding(history).length))
              barred.add(one.version);
          if (isPromoted || event?.action === 'rolled_back') barred.delete(event.version);
          // Here builds of one version have the same inputs, so each is barred once.
          const found = history.barred.map((one) => one.version);
          expect(found.toSorted(byNumber)).toEqual([...barred].toSorted(byNumber));
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

  it('to a build that was the champion twice can be followed by one to the build between', async () => {
    const bucket = await after(1, 2);
    await byHand(build(1), 'hand')(bucket);
    await promoting(build(3))(bucket);
    expect(await rollingBack('a')(bucket)).toMatchObject(build(1));
    expect(await rollingBack('b')(bucket)).toMatchObject(build(2));
    expect(await rollingBack('c')(bucket)).toMatchObject(build(1));
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

  it('to a version between two others bars only the later one', async () => {
    const bucket = await after(1, 2, 3);
    expect(await rollingBack('a', 2)(bucket)).toMatchObject({ ...build(2), before: build(3) });
    expect(await read(bucket)).toMatchObject({ barred: [build(3)] });
  });

  it("to the champion's version goes to the build of it that was the champion before", async () => {
    const bucket = await after(1, 2);
    await promoting(build(2, 2))(bucket);
    expect(await rollingBack('a', 2)(bucket)).toMatchObject(build(2));
    // Its inputs are the same, so nothing is barred.
    expect(await read(bucket)).toMatchObject({ champion: build(2), barred: [] });
  });

  it('to a build that cannot be the champion changes nothing', async () => {
    const bucket = await after(1, 2);
    const before = await read(bucket);
    const asked: Build[] = [];
    const back = new Champions(bucket).rollBack('p', {
      id: 'a',
      version: undefined,
      check: async (one) => {
        asked.push(one);
        throw new BadData('its model is gone');
      },
      hashInputs: async (one) => inputsOf(one),
      by: 'ann',
      reason: 'it is wrong about setosa',
      at,
    });
    await expect(back).rejects.toMatchObject({ name: 'BadData', message: 'its model is gone' });
    expect(asked).toEqual([build(1)]);
    expect(await read(bucket)).toEqual(before);
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
    await expect(byHand(build(1), 'e', build(3))(new MemoryBucket())).rejects.toThrow(
      'p had the champion 3.1 when you decided, and has none now: see',
    );
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

  it.each([
    ['that is only held', { action: 'held', inputs: inputsOf(build(1)) }],
    ['whose wait has expired', { action: 'expired', inputs: inputsOf(build(1)) }],
    ['whose inputs are not recorded', { action: 'rejected' }],
  ] as const)('%s is noted and not barred', async (_, said) => {
    const bucket = new MemoryBucket();
    const note = { id: 'a', build: build(1), decision: null, by: 'ann', reason: 'no', at };
    const event = await new Champions(bucket).note('p', { ...note, ...said });
    expect(event).toMatchObject({ ...build(1), action: said.action, number: 1 });
    expect(await read(bucket)).toMatchObject({ events: [event], barred: [], champion: null });
  });
});

it('an older version that arrives late is held', async () => {
  const bucket = new MemoryBucket();
  await promoting(build(4))(bucket);
  expect(await promoting(build(3))(bucket)).toMatchObject({
    event: { action: 'held', reason: 'version 3 is older than the champion, build 4.1' },
  });
});

it('a later build of the version that is the champion is promoted', async () => {
  const bucket = new MemoryBucket();
  await promoting(build(4))(bucket);
  expect(await promoting(build(4, 2))(bucket)).toMatchObject({ event: { action: 'promoted' } });
});

it('a build that waits for a person adds no event where nothing is in its way', async () => {
  const bucket = new MemoryBucket();
  await promoting(build(1))(bucket);
  const before = await read(bucket);
  const wait = (champion: Build | null) =>
    new Champions(bucket).promote('p', {
      id: 'wait',
      build: build(2),
      inputs: inputsOf(build(2)),
      decision: makeDecision(champion),
      by: 'gate',
      reason: 'it is not shown to be worse',
      at,
      waits: true,
    });
  expect(await wait(build(1))).toEqual({ answer: 'clear' });
  expect(await wait(null)).toEqual({ answer: 'changed' });
  expect(await read(bucket)).toEqual(before);
});

it('a build that was compared with an earlier build of the champion is not promoted', async () => {
  const bucket = new MemoryBucket();
  await promoting(build(1))(bucket);
  await promoting(build(1, 2))(bucket);
  const before = await read(bucket);
  const answer = await new Champions(bucket).promote('p', {
    id: 'late',
    build: build(2),
    inputs: inputsOf(build(2)),
    decision: makeDecision(build(1)),
    by: 'gate',
    reason: 'it is not shown to be worse',
    at,
  });
  expect(answer).toEqual({ answer: 'changed' });
  expect(await read(bucket)).toEqual(before);
});

describe('the champion', () => {
  it('is found once a build was promoted', async () => {
    const bucket = new MemoryBucket();
    const missing = expect.objectContaining({
      name: 'MissingHistory',
      message: expect.stringMatching(/^p has no champion yet/),
    });
    await expect(new Champions(bucket).readChampion('p')).rejects.toThrow(missing);
    await rejecting(build(1))(bucket);
    await expect(new Champions(bucket).readChampion('p')).rejects.toThrow(missing);
    await promoting(build(2))(bucket);
    expect(await new Champions(bucket).readChampion('p')).toEqual(build(2));
  });

  it('and the events stay as they are where the alias is noted, also by several at once', async () => {
    const noting =
      (one: Build): Client =>
      (bucket) =>
        new Champions(bucket).noteAlias('p', one);
    let before: ChampionHistory;
    await everyOrder({
      before: async (bucket) => {
        await promoting(build(1))(bucket);
        before = await read(bucket);
      },
      clients: () => [noting(build(1)), promoting(build(2))],
      after: async (bucket) => {
        const { champion, alias, events } = await read(bucket);
        expect({ champion, alias }).toEqual({ champion: build(2), alias: build(1) });
        expect(events.slice(0, 1)).toEqual(before.events);
      },
    });
  });

  it('of one pipeline is not that of another', async () => {
    const bucket = new MemoryBucket();
    await promoting(build(1))(bucket);
    expect(await new Champions(bucket).read('q')).toBeUndefined();
    expect(bucket.server.objects!.has(championsKey('p'))).toBe(true);
  });

  it('is none where an alias is noted first, and the same alias again writes nothing', async () => {
    const { bucket, listPuts } = noteRequests();
    for (const seq of [1, 1, 2]) await new Champions(bucket).noteAlias('p', build(3, seq));
    expect(await read(bucket)).toMatchObject({ champion: null, events: [], alias: build(3, 2) });
    expect(listPuts()).toHaveLength(2);
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
  const other = refOf('data/processed/train/', Buffer.from('other rows'));
  const stage = stageOf(
    makeEntry('train', 1, {}, { inputs: { train }, params: { model: { max_depth: 3 } } }),
  );
  const hash = hashTrainInputs({ stages: [stage] });
  expect(hashTrainInputs({ stages: [{ ...stage, code: 9, key: 'other' }] })).toBe(hash);
  const moved = { ...train, path: 'elsewhere/' };
  expect(hashTrainInputs({ stages: [{ ...stage, inputs: { train: moved } }] })).toBe(hash);
  const changes = [
    { params: { model: { max_depth: 4 } } },
    { inputs: { train: other } },
    { inputs: { rows: train } },
    { inputs: { train, other } },
  ];
  const hashes = changes.map((change) => hashTrainInputs({ stages: [{ ...stage, ...change }] }));
  expect(new Set([hash, ...hashes]).size).toBe(5);
});
