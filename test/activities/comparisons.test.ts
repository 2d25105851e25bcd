import { afterEach, describe, expect, it } from 'vitest';
import { compareBuilds } from '../../client/commands/diff/document.ts';
import { formatDiff } from '../../client/commands/diff/print.ts';
import { formatScores } from '../../client/result.ts';
import { formatScore } from '../../contract/metric-sets.ts';
import { findStage, type Comparison } from '../../contract/stages.ts';
import { collectGarbage } from '../../store/gc/collect.ts';
import { objectKey } from '../../store/hash.ts';
import { makeChampion } from '../support/promotions.ts';
import { makeEvaluateRequest, openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

/** Two builds on the same test rows, by the real activities on a bucket in memory. */

let runs: WholeRuns;
afterEach(() => runs.close());

const read = async (version: number, seq: number, pipeline = 'iris') =>
  (await runs.store.records.read(pipeline, version, seq))!;

async function readComparison(version: number, seq = 1, pipeline?: string): Promise<Comparison> {
  const { comparisons } = await read(version, seq, pipeline);
  expect(comparisons).toHaveLength(1);
  return comparisons[0]!;
}

describe('a version', () => {
  it('has the scores of the version before on its own test rows, and the first has none', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    expect((await read(1, 1)).comparisons).toEqual([]);
    const { metrics } = await read(2, 1);
    const { version, seq, facts } = await readComparison(2);
    expect([version, seq, facts['rows']]).toEqual([1, 1, metrics['test_rows']]);
    expect(facts['accuracy_change']).toBe('within noise');
    expect(facts['accuracy']).not.toBe((await read(1, 1)).metrics['accuracy']);
    const [first, second] = await runs.store.records.list('iris');
    expect(first!.compared).toBeNull();
    expect(second!.compared).toMatchObject({
      version: 1,
      rows: facts['rows'],
      score: 'accuracy',
      by: metrics['accuracy']! - Number(facts['accuracy']),
    });
  });

  it('is compared from the cache when it is run again, and gc keeps that', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2]) await runs.run(batch);
    const entries = [];
    for await (const { key } of runs.store.bucket.list('cache/compare/')) entries.push(key);
    expect(entries).toHaveLength(1);
    const [before] = await Promise.all(entries.map((key) => runs.store.bucket.get(key)));
    const [keep, nobody] = [{ pipeline: 'iris', versions: [] }, { isLive: async () => false }];
    const { remove } = await collectGarbage(runs.store, keep, nobody);
    expect(remove.map(({ key }) => key)).not.toContain(entries[0]);
    await runs.run(2);
    expect((await runs.store.bucket.get(entries[0]!))!.etag).toBe(before!.etag);
  });
});

/** Makes a build the champion. */
function promote(version: number): Promise<void> {
  return makeChampion(runs.store, 'iris', { version, seq: 1 });
}

describe('a version after the first champion', () => {
  it('is compared with the champion and with the version before, once where they are one build', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await promote(1);
    await runs.run(2);
    await runs.run(3);
    const rolesOf = async (version: number) =>
      (await read(version, 1)).comparisons.map((one) => [one.version, one.roles]);
    expect(await rolesOf(2)).toEqual([[1, ['before', 'champion']]]);
    expect(await rolesOf(3)).toEqual([
      [2, ['before']],
      [1, ['champion']],
    ]);
  });

  it('never shows the scores of the champion as its own', async () => {
    runs = openWholeRuns({ model: { type: 'baseline' } });
    await runs.run(1);
    await promote(1);
    await runs.run(2, { params: { model: { type: 'decision_tree' } }, publish: true });
    await runs.run(3, { params: { model: { type: 'decision_tree' } }, publish: true });
    const record = await read(3, 1);
    const { metrics, comparisons } = record;
    const champion = comparisons[1]!.facts;
    expect(metrics['accuracy']).toBeGreaterThan(0.8);
    for (const prefix of ['', 'new_batch_', 'prequential_'])
      expect(champion[`${prefix}accuracy`]).toBeLessThan(0.6);
    expect(champion['accuracy_change']).toBe('better');

    const own = formatScore(metrics['accuracy']!);
    const theirs = formatScore(Number(champion['accuracy']));
    const lines = formatScores({ ...metrics, new_batch: {} }, comparisons, 3).split('\n');
    const cells = lines.map((line) => line.trim().split(/ {2,}/));
    expect(cells[1]!.slice(0, 2)).toEqual(['accuracy', own]);
    const head = cells.findIndex(([first]) => first?.startsWith('on the same ') === true);
    expect(cells[head]!.slice(1, 3)).toEqual(['this version', 'champion 1.1']);
    expect(cells[head + 1]!.slice(0, 3)).toEqual(['accuracy', own, theirs]);
    const before = cells.findIndex(([first]) => first === 'batch 3 before training on it');
    expect(cells[before]).toEqual([
      'batch 3 before training on it',
      'version 2',
      '95 %',
      'champion 1.1',
      '95 %',
    ]);
    expect(cells[before + 1]![3]).toBe(formatScore(Number(champion['prequential_accuracy'])));

    const note = runs.registry.tags[record.mlflow!.run_id]!['mlflow.note.content']!;
    expect(note.replaceAll('\u00A0', ' ')).toMatch(
      new RegExp(
        `score \\s*\\|\\s* champion 1\\.1, same rows[^]*accuracy \\s*\\|\\s* ${theirs} \\s*\\|`,
      ),
    );
    expect(note).toMatch(
      /Before any model was trained on batch 3, champion 1\.1 had accuracy 0\.[0-5]/,
    );
  });

  it('is not compared with a champion whose artifacts are gone, and says so', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await promote(1);
    await runs.run(2);
    const { model } = findStage((await read(1, 1)).stages, 'train')!.outputs;
    await runs.store.bucket.delete(objectKey(model!.md5));
    await runs.run(3);
    const record = await read(3, 1);
    expect(record.comparisons.map(({ version }) => version)).toEqual([2]);
    const { warnings } = await runs.play('evaluate', makeEvaluateRequest(record));
    expect(warnings).toEqual([
      expect.stringMatching(
        /^version 1 cannot be scored .*: models\/batch_1\/model\.json is missing from the bucket/,
      ),
    ]);
  });
});

it('a version before that gc removed on purpose is not reported as damaged', async () => {
  runs = openWholeRuns();
  for (const batch of [1, 2]) await runs.run(batch);
  await collectGarbage(
    runs.store,
    { pipeline: 'iris', versions: [1] },
    { isLive: async () => false },
  );
  await runs.run(3);
  const request = makeEvaluateRequest(await read(3, 1));
  const { comparisons, warnings } = await runs.play('evaluate', request);
  expect(comparisons).toEqual([]);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^version 2 cannot be scored .*: version 2 of iris was not kept by gc on .*"npx retrain run 2 --pipeline iris"$/,
    ),
  ]);
});

describe('a trial', () => {
  it('is compared with the published build of its version: the same model has the same scores', async () => {
    runs = openWholeRuns({ model: { max_depth: 8 } });
    await runs.run(1);
    await runs.run(1, { params: { model: { max_depth: 9 } } });
    const { metrics } = await read(1, 1);
    const { version, seq, facts } = await readComparison(1, 2);
    expect([version, seq]).toEqual([1, 1]);
    for (const name of ['accuracy', 'balanced_accuracy', 'f1_macro'])
      expect(facts[name]).toBe(metrics[name]);
  });

  it('that loses more rows than chance would is worse', async () => {
    runs = openWholeRuns({ data: { batch_size: 150 } });
    await runs.run(1);
    await runs.run(1, { params: { model: { type: 'baseline' } } });
    expect((await readComparison(1, 2)).facts['accuracy_change']).toBe('worse');
    const diff = await compareBuilds(runs.store, await read(1, 1), await read(1, 2));
    expect(diff.sameRows!.scores['accuracy']).toMatchObject({ verdict: 'worse' });
    expect(formatDiff(diff)).toMatch(
      /^metric, on the same \d+ test rows +1\.1 +1\.2 +change\naccuracy .* worse$/m,
    );
  });
});

const numbers = (from: number, more = ''): string =>
  Array.from({ length: 40 }, (_, i) => `${from + i},${(from + i) * 2}${more}`).join('\n');

describe('a version with a column that the one before does not have', () => {
  it('is compared all the same, for numbers by their errors', async () => {
    runs = openWholeRuns();
    runs.write('in/1.csv', `x,y\n${numbers(0)}\n`);
    const params = {
      data: { source: './in/', target: 'y', on_new_column: 'adapt' },
      model: { task: 'regression' },
    };
    await runs.run(1, { pipeline: 'grown', params });
    runs.write('in/2.csv', `x,y,z\n${numbers(1_000, ',1')}\n`);
    await runs.run(2, { pipeline: 'grown', params });
    const { facts } = await readComparison(2, 1, 'grown');
    const { metrics } = await read(2, 1, 'grown');
    expect(facts).toMatchObject({
      rows: metrics['test_rows'],
      rmse_change: 'better',
      mae_change: 'better',
      r2_change: 'better',
    });
    expect(facts['rmse']).toBeGreaterThan(metrics['rmse']!);
  });
});

describe('rows that the other model leaves out', () => {
  // The other model drops the rows of a missing cell, and its own words are those that it knows.
  const cell = (i: number): string => (i % 3 === 0 ? '' : i % 2 === 0 ? 'red' : 'blue');
  const rows = Array.from({ length: 90 }, (_, i) => `${i},${cell(i)},${i % 2}`).join('\n');
  const data = { source: './in/gaps.csv', target: 'y', batch_size: 90, columns: { y: 'category' } };

  it('are left out of the score of both', async () => {
    runs = openWholeRuns({ preprocess: { missing: 'drop' } });
    runs.write('in/gaps.csv', `n,colour,y\n${rows}\n`);
    const of = { pipeline: 'gaps' };
    await runs.run(1, { ...of, params: { data } });
    await runs.run(1, { ...of, params: { data, preprocess: { missing: 'impute' } } });
    const { facts } = await readComparison(1, 2, 'gaps');
    const [dropping, imputing] = [await read(1, 1, 'gaps'), await read(1, 2, 'gaps')];
    expect(facts['rows']).toBe(dropping.metrics['test_rows']);
    expect(facts['rows']).toBeLessThan(imputing.metrics['test_rows']!);
    expect(facts).not.toHaveProperty('left_out');
    const own = Number(facts['own_accuracy']) * Number(facts['rows']);
    expect(own).toBeCloseTo(Math.round(own), 10);
    const diff = await compareBuilds(runs.store, dropping, imputing);
    expect(diff.sameRows!.scores['accuracy']!.new).toBe(facts['own_accuracy']);
    expect(formatDiff(diff)).toContain('metric, each on its own test rows');
  });

  it('are no reason to hide that both have the same scores on the others', async () => {
    runs = openWholeRuns();
    const classes = Array.from({ length: 80 }, (_, i) => `${i},${i % 4 === 0 ? 'b' : 'a'}`);
    runs.write('in/few.csv', `x,y\n${classes.join('\n')}\n`);
    const params = {
      data: { source: './in/few.csv', target: 'y', batch_size: 40 },
      model: { type: 'baseline' },
    };
    for (const batch of [1, 2]) await runs.run(batch, { pipeline: 'few', params });
    const [first, second] = [await read(1, 1, 'few'), await read(2, 1, 'few')];
    const { sameRows } = await compareBuilds(runs.store, first, second);
    expect(sameRows!.scores['accuracy']!.diff).toBe(0);
    expect(formatDiff(await compareBuilds(runs.store, first, second))).toContain(
      `on the ${sameRows!.rows} test rows of 2.1`,
    );
    expect((await compareBuilds(runs.store, first, first)).sameRows).toBeNull();
  });
});

describe('two builds that no run has compared', () => {
  it('are compared by diff on the rows of the later one, in either order', async () => {
    runs = openWholeRuns();
    for (const batch of [1, 2, 3]) await runs.run(batch);
    const [first, third] = [await read(1, 1), await read(3, 1)];
    const there = (await compareBuilds(runs.store, first, third)).sameRows!;
    expect(there).toMatchObject({ of: '3.1', rows: third.metrics['test_rows'] });
    expect(there.scores['accuracy']!.new).toBe(third.metrics['accuracy']);
    const back = (await compareBuilds(runs.store, third, first)).sameRows!;
    expect(back.scores['accuracy']).toMatchObject({
      old: there.scores['accuracy']!.new,
      new: there.scores['accuracy']!.old,
    });
  });
});
