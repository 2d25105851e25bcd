import { afterEach, describe, expect, it } from 'vitest';
import type { Build } from '../../contract/promotion.ts';
import { findStage, type StageResult } from '../../contract/stages.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { objectKey } from '../../store/hash.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

/** Decisions about builds by the real activities on a bucket in memory. */

let runs: WholeRuns;
afterEach(() => runs.close());

async function read(version: number, seq = 1): Promise<VersionRecord> {
  return (await runs.store.records.read('iris', version, seq))!;
}

/** What gate decides about a build that is published, against a champion. */
async function decide(
  build: Build,
  champion: Build | null,
  gate: object = {},
): Promise<StageResult<'gate'>> {
  const record = await read(build.version, build.seq);
  const { params } = await runs.play('pin_run', { batch: build.version, params: { gate } });
  const { model, encoder, train, test } = findStage(record.stages, 'evaluate')!.inputs;
  const { metrics } = findStage(record.stages, 'evaluate')!.outputs;
  return runs.play('gate', {
    pipeline: 'iris',
    batch: build.version,
    params: { ...params, model: { ...params.model, ...(record.params['model'] as object) } },
    damaged: [],
    cache: 'use',
    force: null,
    inputs: { model: model!, encoder: encoder!, train: train!, test: test!, metrics: metrics! },
    champion,
  });
}

const FIRST = { version: 1, seq: 1 };

describe('without a champion', () => {
  it('the first build would be promoted, and its record says so', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    expect(findStage((await read(1)).stages, 'gate')!.facts).toMatchObject({
      outcome: 'promote',
      reason: 'there is no champion yet',
      champion: null,
    });
  });
});

describe('a build', () => {
  it('that is shown to be worse is held, with the scores of both on the same rows', async () => {
    runs = openWholeRuns({ data: { batch_size: 150 } });
    await runs.run(1);
    await runs.run(1, { params: { model: { type: 'baseline' } }, publish: true });
    const { decision, facts } = await decide({ version: 1, seq: 2 }, FIRST);
    const [champion, challenger] = [await read(1, 1), await read(1, 2)];
    expect(decision).toMatchObject({
      outcome: 'hold',
      champion: FIRST,
      challenger_score: challenger.metrics['accuracy'],
      champion_score: champion.metrics['accuracy'],
      rows: champion.metrics['test_rows'],
    });
    expect(decision.reason).toMatch(/^it is shown to be worse: accuracy 0\.\d+ against 0\.\d+ of/);
    expect(facts).toMatchObject({ outcome: 'hold', champion: '1.1', reason: decision.reason });
  });

  it('that is not shown to be worse would be promoted', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const { decision } = await decide({ version: 2, seq: 1 }, FIRST);
    expect(decision).toMatchObject({ outcome: 'promote', champion: FIRST });
    const strict = await decide({ version: 2, seq: 1 }, FIRST, { rule: 'better' });
    expect(strict.decision).toMatchObject({ outcome: 'hold' });
    expect(strict.decision.reason).toMatch(/^it is not shown to be better: /);
  });

  it('is decided on without a test where the rule or the versions say it all', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const second = { version: 2, seq: 1 };
    const reasonOf = async (...of: Parameters<typeof decide>): Promise<string> => {
      const { decision } = await decide(...of);
      expect(decision).toMatchObject({ rows: 0, challenger_score: null, p_value: null });
      return `${decision.outcome}: ${decision.reason}`;
    };
    expect(await reasonOf(second, FIRST, { rule: 'never' })).toBe('hold: gate.rule is never');
    expect(await reasonOf(second, FIRST, { rule: 'always' })).toBe('promote: gate.rule is always');
    expect(await reasonOf(second, second)).toBe('hold: it is the champion already, as build 2.1');
    expect(await reasonOf(FIRST, second)).toBe('hold: it is older than the champion, build 2.1');
  });

  it('is held while the artifacts of the champion are gone, with the command that makes them', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const { model } = findStage((await read(1)).stages, 'train')!.outputs;
    const key = objectKey(model!.md5);
    const { bytes } = (await runs.store.bucket.get(key))!;
    await runs.store.bucket.delete(key);
    const second = { version: 2, seq: 1 };
    const lost = await decide(second, FIRST);
    expect(lost.decision).toMatchObject({
      outcome: 'hold',
      reason:
        'the artifacts of the champion, version 1.1, are gone: make them again with "npx retrain verify 1 --repair --pipeline iris", then run this batch again',
    });
    await runs.store.artifacts.put(model!.path, bytes);
    expect((await decide(second, FIRST)).decision.rows).toBeGreaterThan(0);
    const unknown = await decide(second, { version: 1, seq: 7 });
    expect(unknown.decision.reason).toMatch(/^the artifacts of the champion, version 1\.7, are/);
  });
});

describe('a decision', () => {
  it('makes no other build: neither another champion nor other params of the gate', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const again = await runs.run(1, { params: { gate: { rule: 'never' } } });
    expect(again).toMatchObject({ seq: 1 });
    expect(again).not.toHaveProperty('trial');
  });

  it('is taken from the cache for the same champion, and is another one for another champion', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2, 3]) await runs.run(batch);
    const third = { version: 3, seq: 1 };
    const first = await decide(third, FIRST);
    expect(first.cached).toBe(false);
    expect(await decide(third, FIRST)).toMatchObject({ key: first.key, decision: first.decision });
    const other = await decide(third, { version: 2, seq: 1 });
    expect(other.key).not.toBe(first.key);
    expect(other.decision.champion).toEqual({ version: 2, seq: 1 });
  });
});
