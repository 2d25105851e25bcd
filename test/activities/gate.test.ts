import { afterEach, describe, expect, it } from 'vitest';
import type { Build } from '../../contract/promotion.ts';
import { findStage, type StageResult } from '../../contract/stages.ts';
import { paramsOf } from '../../pipeline/models/params.ts';
import { latestKey, type VersionRecord } from '../../store/version-record.ts';
import { objectKey, sha256 } from '../../store/hash.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

/** Decisions about builds by the real activities on a bucket in memory. */

let runs: WholeRuns;
afterEach(() => runs.close());

async function read(version: number, seq = 1, pipeline = 'iris'): Promise<VersionRecord> {
  return (await runs.store.records.read(pipeline, version, seq))!;
}

/** What gate decides about a build that is published, against a champion. */
async function decide(
  build: Build,
  champion: Build | null,
  gate: object = {},
  { pipeline = 'iris', batch = build.version }: { pipeline?: string; batch?: number } = {},
): Promise<StageResult<'gate'>> {
  const record = await read(build.version, build.seq, pipeline);
  const { model, encoder, train, test } = findStage(record.stages, 'evaluate')!.inputs;
  const { metrics } = findStage(record.stages, 'evaluate')!.outputs;
  const params = paramsOf(record.params, { gate });
  return runs.play('gate', {
    pipeline,
    batch,
    params,
    damaged: [],
    cache: 'use',
    force: null,
    inputs: { model: model!, encoder: encoder!, train: train!, test: test!, metrics: metrics! },
    champion,
  });
}

/** Makes a build the champion, as the gate does. */
async function crown(build: Build): Promise<void> {
  const { decision } = await decide(build, null);
  await runs.store.champions.promote('iris', {
    build,
    decision,
    inputs: 'x',
    id: `of ${build.version}`,
    by: 'gate',
    reason: decision.reason,
    at: '2026-01-01T00:00:00.000Z',
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
        'the artifacts of the champion, version 1.1, are missing or damaged: make them again with "npx retrain verify 1 --repair --pipeline iris"; then run this batch again',
    });
    await runs.store.artifacts.put(model!.path, bytes);
    expect((await decide(second, FIRST)).decision.rows).toBeGreaterThan(0);
    const unknown = await decide(second, { version: 1, seq: 7 });
    expect(unknown.decision.reason).toMatch(
      /^the record of the champion, version 1\.7, is missing/,
    );
  });

  it('is held, and does not fail, while the list of the builds of the champion is damaged', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const key = latestKey('iris', 1);
    await runs.store.bucket.put(key, Buffer.from('{'), { sha256: sha256('{') });
    const { decision } = await decide({ version: 2, seq: 1 }, FIRST);
    expect(decision.outcome).toBe('hold');
    expect(decision.reason).toMatch(
      /^the record of the champion, version 1\.1, is missing or damaged: .*versions\/iris\/0+1\/latest.json .*restore it from a backup; then run this batch again$/,
    );
  });
});

describe('a damaged entry of the comparison in the cache', () => {
  const damage = async (): Promise<void> => {
    for await (const { key } of runs.store.bucket.list('cache/compare/'))
      await runs.store.bucket.put(key, Buffer.from('{'), { sha256: sha256('{') });
  };

  it('does not stop a decision: the gate looks for the rows that were trained on itself', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const second = { version: 2, seq: 1 };
    const { decision } = await decide(second, FIRST);
    await damage();
    const again = await decide(second, FIRST, { margin: 1e-9 });
    expect(again.decision).toMatchObject({ rows: decision.rows, outcome: decision.outcome });
  });

  it('leaves no failure that nobody waits for, where an artifact of the champion is gone too', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    await damage();
    const { model } = findStage((await read(1)).stages, 'train')!.outputs;
    await runs.store.bucket.delete(objectKey(model!.md5));
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      const { decision } = await decide({ version: 2, seq: 1 }, FIRST, { margin: 1e-9 });
      expect(decision.reason).toMatch(/^the artifacts of the champion, version 1\.1, are missing/);
      await new Promise(setImmediate);
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
    }
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

describe('the scores of the champion', () => {
  it('are never those of the build: in its record, in its metrics, in the tracker', async () => {
    runs = openWholeRuns({ data: { batch_size: 150 } });
    await runs.run(1);
    await crown(FIRST);
    await runs.run(1, { params: { model: { type: 'baseline' } }, publish: true });
    const [champion, challenger] = [await read(1, 1), await read(1, 2)];
    const [theirs, own] = [champion, challenger].map(({ metrics }) => metrics['accuracy']!);
    expect(own).toBeLessThan(theirs!);
    const facts = findStage(challenger.stages, 'gate')!.facts;
    expect(facts).toMatchObject({
      outcome: 'hold',
      champion: '1.1',
      challenger_score: own,
      champion_score: theirs,
    });
    const compared = challenger.comparisons.find(({ roles }) => roles.includes('champion'))!;
    expect(compared.facts['accuracy']).toBe(theirs);
    const { run_id } = challenger.mlflow!;
    expect(runs.registry.tags[run_id]).toMatchObject({
      'retrain.gate': 'hold',
      'retrain.gate_champion': '1.1',
      'retrain.gate_reason': facts['reason'],
    });
    expect(runs.registry.tags[run_id]!['mlflow.note.content']).toContain(
      '**Gate: hold**: it is sh',
    );
    const logged = runs.registry.metrics[run_id]!;
    expect(logged['accuracy']).toBe(own);
    expect(Object.keys(logged).filter((name) => name.includes('champion'))).toEqual([]);
  });
});

const REGIONS = Array.from({ length: 600 }, (_, i) => {
  const [x, region] = [((i * 37) % 200) - 100, i % 5 < 3 ? 'north' : 'the "far" south'];
  return `${x},${x > 0 === (region === 'north') ? 'yes' : 'no'},"${region.replaceAll('"', '""')}"`;
}).join('\n');

describe('gate.slices', () => {
  const regions = { pipeline: 'regions' };
  const runBoth = async (): Promise<void> => {
    runs = openWholeRuns();
    runs.write('in/regions.csv', `x,y,region\n${REGIONS}\n`);
    const data = { source: './in/regions.csv', target: 'y', batch_size: 600 };
    await runs.run(1, { ...regions, params: { data } });
    const flat = { data, model: { max_depth: 1 } };
    await runs.run(1, { ...regions, params: flat, publish: true });
  };

  it('hold a build that is worse in one, though it is not as a whole', async () => {
    await runBoth();
    const second = { version: 1, seq: 2 };
    const whole = await decide(second, FIRST, { margin: 0.5 }, regions);
    expect(whole.decision).toMatchObject({ outcome: 'promote', worse_slices: [] });
    const sliced = await decide(second, FIRST, { margin: 0.5, slices: ['region'] }, regions);
    expect(sliced.decision).toMatchObject({
      outcome: 'hold',
      worse_slices: [String.raw`region="the \"far\" south"`],
      rows: whole.decision.rows,
    });
    expect(sliced.decision.reason).toMatch(
      /^it is not shown to be worse by more than 0\.5 but it is shown to be worse where region="the/,
    );
    const file = await runs.store.artifacts.get(sliced.outputs.decision);
    const { slices } = JSON.parse(Buffer.from(file).toString()) as { slices: { rows: number }[] };
    expect(slices.reduce((sum, { rows }) => sum + rows, 0)).toBe(whole.decision.rows);
  });

  it('that name no feature end a run before it trains: other names, the target, ignored columns', async () => {
    runs = openWholeRuns({ gate: { slices: ['region'] } });
    runs.write('in/regions.csv', `x,y,region\n${REGIONS}\n`);
    const data = { source: './in/regions.csv', target: 'y', batch_size: 600 };
    const ignored = { ...data, columns: { x: 'ignore' } };
    for (const name of ['colour', 'y', 'x'])
      await expect(
        runs.run(1, { ...regions, params: { data: ignored, gate: { slices: ['region', name] } } }),
      ).rejects.toMatchObject({
        name: 'BadParams',
        message: `gate.slices names "${name}", which is no feature of the model, only "region": name features in params.yaml`,
      });
    await runs.run(1, { ...regions, params: { data: ignored } });
    expect((await read(1, 1, 'regions')).version).toBe(1);
  });

  it('that name no column hold a build, and those without enough rows are reported', async () => {
    await runBoth();
    const second = { version: 1, seq: 2 };
    const unknown = await decide(second, FIRST, { slices: ['colour'] }, regions);
    expect(unknown.decision).toMatchObject({
      outcome: 'hold',
      reason:
        'gate.slices names "colour", which is no feature of the model: name features in params.yaml',
    });
    const thin = await decide(second, FIRST, { slices: ['x'], margin: 0.5 }, regions);
    expect(thin.decision.outcome).toBe('promote');
    expect(thin.warnings).toEqual([
      'gate.slices: no value of "x" has 30 test rows, so none is tested',
    ]);
  });
});

describe('models that cannot be compared', () => {
  it('are held where there are no test rows', async () => {
    runs = openWholeRuns({ split: { test_size: 0.0001 } });
    for (const batch of [1, 2]) await runs.run(batch);
    expect((await decide({ version: 2, seq: 1 }, FIRST)).decision).toMatchObject({
      outcome: 'hold',
      reason: 'there are no test rows on which both models can be scored',
    });
  });

  it('are held where a class has appeared, and where one has vanished', async () => {
    runs = openWholeRuns();
    const rows = (labels: string[], from: number): string =>
      Array.from({ length: 40 }, (_, i) => `${from + i},${labels[i % labels.length]}`).join('\n');
    runs.write('in/1.csv', `x,y\n${rows(['a', 'b'], 0)}\n`);
    runs.write('in/2.csv', `x,y\n${rows(['a', 'c'], 50)}\n`);
    const of = { pipeline: 'labels' };
    const params = { data: { source: './in/', target: 'y' } };
    for (const batch of [1, 2]) await runs.run(batch, { ...of, params });
    const second = { version: 2, seq: 1 };
    expect((await decide(second, FIRST, {}, of)).decision).toMatchObject({
      outcome: 'hold',
      reason: 'it predicts "c", which the champion does not know: a person has to decide',
    });
    // A version after it that has lost the rows of a class.
    expect((await decide(FIRST, second, {}, { ...of, batch: 3 })).decision.reason).toBe(
      'it does not know "c", which the champion predicts: a person has to decide',
    );
  });

  it('are held where the score is not defined on the test rows', async () => {
    runs = openWholeRuns();
    const rows = Array.from({ length: 80 }, (_, i) => `${i},5`).join('\n');
    runs.write('in/flat.csv', `x,y\n${rows}\n`);
    const params = {
      data: { source: './in/flat.csv', target: 'y', batch_size: 40 },
      model: { task: 'regression' },
    };
    const of = { pipeline: 'flat' };
    for (const batch of [1, 2]) await runs.run(batch, { ...of, params });
    const second = { version: 2, seq: 1 };
    expect((await decide(second, FIRST, { metric: 'r2' }, of)).decision.reason).toMatch(
      /^r2 cannot be computed on these \d+ test rows$/,
    );
    expect((await decide(second, FIRST, { metric: 'mae' }, of)).decision.outcome).toBe('promote');
  });
});

describe('a score that the task does not have', () => {
  it.each([
    ['classification', 'rmse', 'accuracy, balanced_accuracy, precision_macro'],
    ['regression', 'f1_macro', 'rmse, mae, r2 for regression'],
  ])('is refused when the params are pinned: %s, %s', async (task, metric, expected) => {
    runs = openWholeRuns();
    const params = { model: { task }, gate: { metric } };
    await expect(runs.play('pin_run', { batch: 1, params })).rejects.toThrow(expected);
  });
});
