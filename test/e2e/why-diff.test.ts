import { describe, expect, it } from 'vitest';
import type { DiffDocument } from '../../client/commands/diff/document.ts';
import type { DvcDiff } from '../../client/commands/diff/dvc-shape.ts';
import type { ResultDocument } from '../../client/result.ts';
import type { Origin } from '../../client/origin.ts';
import type { StagePlan } from '../../client/commands/why/plan.ts';
import { STAGE_NAMES } from '../../contract/stages.ts';
import { objectKey } from '../../store/hash.ts';
import { withProject } from '../support/with-project.ts';

/** What `why`, `diff`, `metrics diff` and `params diff` say of real runs. */

/** The states of the stages of a known build: the gate compares it with another champion than its run did. */
const DECIDED_AGAIN = STAGE_NAMES.map((stage) => (stage === 'gate' ? 'run' : 'cached'));

const project = withProject('whydiff');
const { store } = project;

async function client(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await project.client(...args);
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  return stdout;
}

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse(await client(...args, '--json')) as T;
}

async function plan(...args: string[]): Promise<Record<string, StagePlan>> {
  const { stages } = await json<{ stages: StagePlan[] }>('why', ...args);
  expect(stages.map(({ stage }) => stage)).toEqual(STAGE_NAMES);
  return Object.fromEntries(stages.map((stage) => [stage.stage, stage]));
}

const states = (plans: Record<string, StagePlan>): string[] =>
  Object.values(plans).map(({ state }) => state);

const runs: ResultDocument[] = [];

describe('why', () => {
  it('says before any run that every stage would run for the first time', async () => {
    const plans = await plan('1');
    expect(states(plans)).toEqual(STAGE_NAMES.map(() => 'run'));
    for (const { because, cachedFrom } of Object.values(plans))
      expect([because, cachedFrom]).toEqual([[{ kind: 'new' }], null]);
    expect(await client('why', '1')).toMatch(/train +to run +never run before/);
    expect(await store.ledgers.read('iris')).toBeUndefined(); // nothing has been run
  });

  it('names the run that each stage would be taken from, under the keys the worker used', async () => {
    for (const batch of [1, 2]) runs[batch] = await json<ResultDocument>('run', String(batch));
    for (const batch of [1, 2]) {
      const plans = await plan(String(batch));
      expect(states(plans)).toEqual(DECIDED_AGAIN);
      const { stages } = await store.records.latest('iris', batch);
      const build = Object.values(plans).slice(0, -1);
      expect(build.map(({ key }) => key)).toEqual(stages.slice(0, -1).map(({ key }) => key));
      for (const { stage, cachedFrom } of build)
        expect(cachedFrom).toMatchObject(
          stage === 'get_data'
            ? { workflowId: 'iris-batch-1', runId: runs[1]!.runId }
            : { workflowId: `iris-batch-${batch}`, runId: runs[batch]!.runId },
        );
    }
    expect(await client('why', '2')).toMatch(/get_data +cached +from iris-batch-1, 20/);
  });

  it('knows what another pipeline has cut, for the cache is shared', async () => {
    expect(states(await plan('2', '--pipeline', 'other'))).toEqual(DECIDED_AGAIN);
  });

  it('names the param that differs, and the stage that makes a later one run', async () => {
    const plans = await plan('2', '--set', 'model.max_depth=3');
    expect(states(plans)).toEqual(['cached', 'cached', 'cached', 'cached', 'run', 'run', 'run']);
    expect(plans['train']!.because).toEqual([
      { kind: 'param', name: 'model.max_depth', old: 5, new: 3 },
    ]);
    expect(plans['evaluate']!.because).toEqual([{ kind: 'upstream', stage: 'train' }]);
    const text = await client('why', '2', '--set', 'model.max_depth=3');
    expect(text).toMatch(/train +to run +model\.max_depth 5 → 3/);
    expect(text).toMatch(/evaluate +to run +train runs/);
  });

  it('names every stage between the change and the end', async () => {
    const plans = await plan('2', '--set', 'split.test_size=0.3', '--set', 'model.max_depth=3');
    expect(plans['preprocess']!.because).toMatchObject([{ name: 'split.test_size', new: 0.3 }]);
    expect(plans['train']!.because).toMatchObject([
      { kind: 'param', name: 'model.max_depth' },
      { kind: 'upstream', stage: 'preprocess' },
    ]);
    expect(plans['evaluate']!.because).toEqual([
      { kind: 'upstream', stage: 'train' },
      { kind: 'upstream', stage: 'preprocess' },
    ]);
  });

  it('says that an object is gone, and that this stage alone runs', async () => {
    const model = runs[2]!.stages[4]!.outputs.find(({ path }) => path.endsWith('model.json'))!;
    const { bytes } = (await store.bucket.get(objectKey(model.md5)))!;
    await store.bucket.delete(objectKey(model.md5));
    const plans = await plan('2');
    expect(states(plans)).toEqual(['cached', 'cached', 'cached', 'cached', 'run', 'cached', 'run']);
    expect(plans['train']!.because).toEqual([{ kind: 'missing', path: model.path }]);
    await store.bucket.put(objectKey(model.md5), bytes, { sha256: model.sha256 });
  });

  it('refuses what a run would refuse, in a sentence', async () => {
    const frozen = await project.client('why', '2', '--set', 'data.batch_size=10');
    expect([frozen.code, frozen.stdout]).toEqual([2, '']);
    expect(frozen.stderr).toContain('data.batch_size is frozen at 50');
    const late = await project.client('why', '9');
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('batch 9 does not exist');
  });
});

describe('run and status', () => {
  it('name the run a stage was taken from, and what differed for the others', async () => {
    expect(runs[2]!.stages[0]).toMatchObject({
      cached: true,
      cachedFrom: { workflowId: 'iris-batch-1', runId: runs[1]!.runId },
      because: [],
    });
    expect(runs[2]!.stages[4]).toMatchObject({ cachedFrom: null, because: [{ kind: 'new' }] });
    const text = await client('run', '2', '--publish', '--set', 'model.max_depth=1');
    expect(text).toMatch(/^get_data +from iris-batch-1, 20/m);
    expect(text).toMatch(/^preprocess +from iris-batch-2, 20/m);
    expect(text).toMatch(/^train +ran: model\.max_depth 5 → 1$/m);
    expect(text).toMatch(
      /^evaluate +ran: models\/batch_2\/model\.json [0-9a-f]{8} → [0-9a-f]{8}$/m,
    );
    const { origins } = await json<{ origins: (Origin & { stage: string })[] }>('status', '2');
    expect(origins[4]).toMatchObject({
      stage: 'train',
      because: [{ kind: 'param', name: 'model.max_depth', old: 5, new: 1 }],
    });
    expect(await client('status', '2')).toMatch(/train +done .*model\.max_depth 5 → 1/);
  });
});

describe('diff', () => {
  it('shows what version 2 has that version 1 had not', async () => {
    const diff = await json<DiffDocument>('diff', '1', '2.1');
    expect(diff).toMatchObject({ old: { version: 1, build: 1 }, new: { version: 2, build: 1 } });
    const { train, test } = diff.rows;
    expect(train!.diff! + test!.diff!).toBe(50);
    expect(diff.batches).toMatchObject([{ batch: 2, old: null, new: { rows: 50 } }]);
    expect(diff.params).toEqual({});
    const paths = diff.artifacts.map((artifact) => artifact.new!.path);
    expect(paths).toContain('data/merged/');
    expect(paths).toContain('models/batch_2/model.json');
    expect(paths).not.toContain('data/raw/iris.csv');
    const text = await client('diff', '1', '2.1');
    expect(text).toMatch(/^train +\d+ +\d+ +\+\d+$/m);
    expect(text).toMatch(/^models\/batch_2\/model\.json +[0-9a-f]{8} +[0-9a-f]{8} /m);
  });

  it('shows two builds of one version side by side', async () => {
    const diff = await json<DiffDocument>('diff', '2.1', '2.2');
    expect([diff.rows, diff.batches]).toEqual([{}, []]);
    expect(diff.params).toEqual({ 'model.max_depth': { old: 5, new: 1, diff: -4 } });
    expect(diff.model).toMatchObject({ depth: { new: 1 }, leaves: { new: 2 } });
    // A tree with a single split asks a single feature.
    const shares = Object.values(diff.importance).map((change) => change.new);
    expect(new Set(shares)).toEqual(new Set([0, 1]));
    const paths = diff.artifacts.map((artifact) => artifact.new!.path);
    expect(paths).toEqual([
      'models/batch_2/model.json',
      'metrics/batch_2.json',
      'reports/batch_2.html',
      'decisions/batch_2.json',
    ]);
    const [one, two] = [
      await store.records.read('iris', 2, 1),
      await store.records.latest('iris', 2),
    ];
    expect(diff.metrics['accuracy']).toEqual({
      old: one!.metrics['accuracy'],
      new: two.metrics['accuracy'],
      diff: two.metrics['accuracy']! - one!.metrics['accuracy']!,
    });
    expect(await client('diff', '2.1', '2')).toMatch(/^model\.max_depth +5 +1$/m);
  });

  it('shows nothing between a build and itself', async () => {
    expect(await json('diff', '2', '2.2')).toMatchObject({
      rows: {},
      batches: [],
      params: {},
      metrics: {},
      artifacts: [],
      sameRows: null,
      model: {},
      importance: {},
    });
    expect(await client('diff', '2', '2')).toBe('2.2 and 2.2 of iris are the same\n');
  });

  it.each([
    [['diff', '1', '7'], 'version 7 of iris has not been built'],
    [
      ['diff', '2.9', '1'],
      'version 2 of iris has no build 9: list its builds with "npx retrain list --all',
    ],
    [['metrics', 'diff', '1', '7'], 'version 7 of iris has not been built'],
    [['params', 'diff', '1', '2', '--pipeline', 'none'], 'of none has not been built'],
  ])('%j ends with a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await project.client(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trim()).not.toContain('\n');
  });

  it('takes no version that is none', async () => {
    for (const text of ['0', '1.0', 'one', '-1', '1.2.3'])
      expect((await project.client('diff', '1', text)).code).toBe(2);
  });
});

describe('metrics diff and params diff', () => {
  it('have the shape of DVC’s', async () => {
    const metrics = await json<DvcDiff>('metrics', 'diff', '2.1', '2.2');
    expect(Object.keys(metrics)).toEqual(['metrics/batch_2.json']);
    const { accuracy } = metrics['metrics/batch_2.json']!;
    expect(accuracy!.diff).toBe((accuracy!.new as number) - (accuracy!.old as number));
    expect(await json('params', 'diff', '2.1', '2.2')).toEqual({
      'params.yaml': { 'model.max_depth': { old: 5, new: 1, diff: -4 } },
    });
    expect(await client('metrics', 'diff', '2.1', '2.2')).toMatch(
      /^Path +Metric +2\.1 +2\.2 +Change\nmetrics\/batch_2\.json +accuracy +0\.\d{1,5} /,
    );
    expect(await client('params', 'diff', '2.1', '2.2')).toBe(
      'Path         Param            2.1    2.2\nparams.yaml  model.max_depth  5      1\n',
    );
    expect(await client('params', 'diff', '1', '2.1')).toBe('');
    expect(await json('params', 'diff', '1', '2.1')).toEqual({});
  });
});
