import { describe, expect, it } from 'vitest';
import { describeOutcome, findDecision } from '../../client/champion.ts';
import { parseBuildName, readNamed } from '../../client/commands/diff/diff.ts';
import type { GateDecision, PromotionOutcome } from '../../contract/promotion.ts';
import { storeIn } from '../../store/index.ts';
import { draftRecord, makeEntry, stageOf } from '../store/made-records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeChampion, makeDecision } from '../support/promotions.ts';

describe('what the gate said of a build', () => {
  const recorded = { outcome: 'hold', reason: 'the champion is damaged' };
  const gate = { ...stageOf(makeEntry('gate', 5, {})), facts: recorded };
  const record = { ...draftRecord({ build: 'b', version: 5, stages: [gate] }), seq: 1 };
  const eventOf = (
    seq: number,
    decision: GateDecision | null = makeDecision({ version: 4, seq: 2 }),
  ) => ({
    version: 5,
    seq,
    number: 1,
    id: 'once',
    action: 'promoted' as const,
    before: null,
    at: '2026-01-01T00:00:00.000Z',
    by: 'gate',
    reason: 'r',
    decision,
  });

  it('is in its record, until it is proposed with another decision', () => {
    expect(findDecision(record, null)).toEqual(recorded);
    expect(findDecision(record, { events: [eventOf(2), eventOf(1, null)] })).toEqual(recorded);
    expect(findDecision(record, { events: [eventOf(1), eventOf(2)] })).toMatchObject({
      outcome: 'promote',
      reason: 'it is not shown to be worse',
      champion: '4.2',
    });
    expect(findDecision({ ...record, stages: [] }, null)).toBeNull();
  });
});

describe('what became of a build', () => {
  const outcome = (parts: Partial<PromotionOutcome>): string[] =>
    describeOutcome('iris', {
      version: 5,
      seq: 1,
      state: 'promoted',
      reason: 'it is not shown to be worse',
      champion: { version: 4, seq: 2 },
      warnings: [],
      ...parts,
    });

  it('is a sentence with the build, the decision and the reason', () => {
    expect(outcome({})).toEqual(['5.1 is promoted: it is not shown to be worse']);
    expect(outcome({ state: 'held', reason: 'accuracy is worse' })).toEqual([
      '4.2 stays; 5.1 is held: accuracy is worse',
    ]);
    expect(outcome({ state: 'superseded', reason: 'build 6.1 is newer' })).toEqual([
      '4.2 stays; 5.1 is superseded: build 6.1 is newer',
    ]);
    expect(outcome({ state: 'held', reason: 'no test rows', champion: null })).toEqual([
      'none yet; 5.1 is held: no test rows',
    ]);
  });

  it('that waits for a person comes with the commands that answer it', () => {
    expect(outcome({ state: 'waiting' })).toEqual([
      '5.1 waits for approval: it is not shown to be worse',
      'npx retrain approve 5.1 --reason "REASON" --pipeline iris',
      'npx retrain reject 5.1 --reason "REASON" --pipeline iris',
    ]);
  });
});

describe('a build that is named champion', () => {
  it('is the build of the record of promotions, also where another build is published', async () => {
    const store = storeIn(new MemoryBucket());
    for (const build of ['a', 'b']) await store.records.publish(draftRecord({ build }));
    await expect(readNamed({ store }, 'p', parseBuildName('champion'))).rejects.toThrow(
      'p has no champion yet: the first version that passes the gate becomes the champion, or a person chooses one with "npx retrain promote N --reason REASON --pipeline p"',
    );
    await makeChampion(store, 'p', { version: 1, seq: 1 });
    expect(await readNamed({ store }, 'p', parseBuildName('champion'))).toMatchObject({
      build: 'a',
    });
    expect(await readNamed({ store }, 'p', parseBuildName('1'))).toMatchObject({ build: 'b' });
  });

  it('is named by this word alone', () => {
    expect(() => parseBuildName('Champion')).toThrow(
      'a version is a whole number from 1, or champion',
    );
  });
});
