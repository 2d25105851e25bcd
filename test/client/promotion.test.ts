import { beforeEach, describe, expect, it } from 'vitest';
import { findStanding, type Standing } from '../../client/champion.ts';
import { formatHistory } from '../../client/commands/champion/show.ts';
import {
  describeAliasWarnings,
  describeEvent,
  describeStanding,
  describeWaiting,
  explainNotWaiting,
} from '../../client/promotion.ts';
import type { GateDecision, PromotionAction, PromotionEvent } from '../../contract/promotion.ts';
import { storeIn, type Store } from '../../store/index.ts';
import { draftRecord } from '../store/made-records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeDecision } from '../support/promotions.ts';

const decision = makeDecision();

let store: Store;

beforeEach(async () => {
  store = storeIn(new MemoryBucket());
  for (const version of [1, 2, 3, 4])
    await store.records.publish(draftRecord({ build: `b${version}`, version }));
});

/** Enters an event about version N, as the workflow does. */
async function enter(
  version: number,
  action: PromotionAction,
  by = 'gate',
): Promise<PromotionEvent> {
  const { champions } = store;
  const reason = `version ${version} because of ${by}`;
  const entry = { id: `${action} ${version}`, by, reason, at: '2026-03-01T08:30:00.000Z' };
  const [build, inputs] = [{ version, seq: 1 }, `inputs of ${version}`];
  if (action === 'promoted') return champions.promoteByHand('p', { ...entry, build, inputs });
  if (action === 'rolled_back')
    return champions.rollBack('p', {
      ...entry,
      version,
      check: async () => undefined,
      hashInputs: async (one) => `inputs of ${one.version}`,
    });
  return champions.note('p', { ...entry, build, inputs, action, decision });
}

describe('an event', () => {
  it('is a sentence about the champion', async () => {
    const said = async (...args: Parameters<typeof enter>): Promise<string> =>
      describeEvent('p', await enter(...args));
    expect(await said(1, 'held')).toBe('version 1.1 is held; p has no champion yet');
    expect(await said(1, 'promoted')).toBe('version 1.1 is the champion of p now');
    expect(await said(2, 'promoted')).toBe('version 2.1 is the champion of p now; before: 1.1');
    expect(await said(3, 'rejected')).toBe('version 3.1 is rejected; 2.1 stays the champion');
    expect(await said(1, 'rolled_back')).toBe(
      'version 1.1 is the champion of p again in place of 2.1',
    );
  });

  it('is a line of the history, the first one first, and commands nothing to a terminal', async () => {
    const events = [
      await enter(1, 'promoted', 'kim\u001b[2J'),
      await enter(2, 'superseded'),
      await enter(3, 'promoted'),
      await enter(1, 'rolled_back', 'lee'),
    ];
    const [head, ...lines] = formatHistory(events)
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(head).toEqual(['#', 'when (UTC)', 'what', 'version', 'before', 'by', 'reason']);
    const at = '2026-03-01 08:30';
    expect(lines).toEqual([
      ['1', at, 'promoted', '1.1', '–', 'kim\\u001b[2J', 'version 1 because of kim\\u001b[2J'],
      ['2', at, 'superseded', '2.1', '1.1', 'gate', 'version 2 because of gate'],
      ['3', at, 'promoted', '3.1', '1.1', 'gate', 'version 3 because of gate'],
      ['4', at, 'rolled back', '1.1', '3.1', 'lee', 'version 1 because of lee'],
    ]);
  });
});

describe('what a build is to the champion', () => {
  const standingOf = async (
    version: number,
    outcome: GateDecision['outcome'] | null = null,
  ): Promise<Standing | null> =>
    findStanding(await store.champions.read('p'), { version, seq: 1 }, outcome);

  it('is known from its last event, and before the first from the gate', async () => {
    expect(await standingOf(1)).toBeNull();
    expect(await standingOf(1, 'promote')).toBe('passed');
    expect(await standingOf(1, 'hold')).toBe('held');
    await enter(1, 'promoted');
    await enter(2, 'promoted');
    await enter(3, 'expired');
    const standings = await Promise.all([1, 2, 3].map((version) => standingOf(version, 'promote')));
    expect(standings).toEqual(['replaced', 'champion', 'expired']);
    await enter(1, 'rolled_back', 'kim');
    expect(await Promise.all([1, 2].map((version) => standingOf(version, 'promote')))).toEqual([
      'champion',
      'taken_back',
    ]);
  });

  it('is rejected also after the gate has held it for that', async () => {
    await enter(1, 'rejected', 'kim');
    await enter(1, 'held');
    expect(await standingOf(1, 'promote')).toBe('rejected');
  });

  it('is described in a line with the time, the person and the reason', async () => {
    await enter(1, 'promoted', 'kim');
    await enter(2, 'rejected', 'lee');
    const history = (await store.champions.read('p'))!;
    const at = '2026-03-01 08:30 UTC';
    expect([1, 2, 3].map((version) => describeStanding(history, { version, seq: 1 }))).toEqual([
      `this build, since ${at}, by kim: version 1 because of kim`,
      `1.1; this build was rejected on ${at}, by lee: version 2 because of lee`,
      '1.1',
    ]);
    expect(describeStanding(history, { version: 1, seq: 1 }, 'version 1 because of kim')).toBe(
      `this build, since ${at}, by kim`,
    );
  });
});

describe('a version that waits for approval', () => {
  it('comes with its expiry and with the commands that answer it', () => {
    const waiting = {
      version: 5,
      build: 1,
      decision,
      since: '2026-03-01T08:30:00.000Z',
      until: '2026-03-02T08:30:00.000Z',
    };
    expect(describeWaiting('p', waiting)).toEqual([
      'version 5.1 waits for approval since 2026-03-01 08:30 UTC, until 2026-03-02 08:30 UTC: it is not shown to be worse',
      'npx retrain approve 5.1 --reason "REASON" --pipeline p',
      'npx retrain reject 5.1 --reason "REASON" --pipeline p',
    ]);
    expect(describeWaiting('p', { ...waiting, until: null })[0]).not.toContain('until');
  });

  it.each<[PromotionAction, string]>([
    ['superseded', 'it was superseded on 2026-03-01 08:30 UTC by gate (version 2 because of gate)'],
    ['expired', 'it expired on 2026-03-01 08:30 UTC by gate (version 2 because of gate)'],
    ['promoted', 'it was promoted on 2026-03-01 08:30 UTC by gate (version 2 because of gate)'],
  ])('and then was %s is refused with what became of it', async (action, sentence) => {
    await enter(2, action);
    expect((await explainNotWaiting(store, 'p', 2)).message).toBe(
      `version 2 of p waits for no approval: ${sentence}`,
    );
  });

  it('is not one that was never proposed, or never built', async () => {
    expect((await explainNotWaiting(store, 'p', 3)).message).toBe(
      'version 3 of p waits for no approval: the gate has not proposed it; make it the champion with "npx retrain promote 3 --reason REASON --pipeline p"',
    );
    await expect(explainNotWaiting(store, 'p', 9)).rejects.toThrow(
      'version 9 of p has not been built',
    );
  });
});

it('an alias that follows later is reported once, with what can be done about it', () => {
  const deleted = 'version 2 of iris was deleted by hand';
  expect(describeAliasWarnings('p', { alias: 'later', warnings: [deleted] })).toEqual([deleted]);
  expect(describeAliasWarnings('p', { alias: 'later', warnings: [] })).toEqual([
    'the alias champion does not point at it yet: it follows when MLflow answers and the version is logged there; "npx retrain champion --pipeline p" shows whether it does',
  ]);
  expect(describeAliasWarnings('p', { alias: 'set', warnings: [] })).toEqual([]);
  expect(describeAliasWarnings('p', {})).toEqual([]);
});
