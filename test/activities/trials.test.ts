import { afterEach, describe, expect, it } from 'vitest';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';
import { refuse } from '../store/made-records.ts';

/** Versions, trials and the registry, by the real activities on a bucket in memory. */

let runs: WholeRuns;
afterEach(() => runs.close());

const depth = (max_depth: number) => ({ model: { max_depth } });

/** What others see as version 1: its build, its alias in the registry, and the registry's latest. */
async function readSeen(): Promise<object> {
  const [line] = await runs.store.records.list('iris');
  const { aliases, versions } = runs.registry;
  return { build: line?.seq, alias: aliases['iris@batch-1'], registered: versions.length };
}

describe('the alias of a batch', () => {
  it('stays with the published model when a stage alone trains another, and after cached runs', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await runs.run(1, { params: depth(1), publish: true, until: 'train' });
    expect(await readSeen()).toEqual({ build: 1, alias: '1', registered: 2 });
    await runs.run(1);
    await runs.run(1);
    expect(await readSeen()).toEqual({ build: 1, alias: '1', registered: 2 });
  });

  it('is put back by the next run when another program has moved it', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    runs.registry.aliases['iris@batch-1'] = '99';
    await runs.run(1);
    expect(await readSeen()).toMatchObject({ alias: '1' });
  });
});

describe('a version that is logged again', () => {
  it('is registered again where a person deleted its model, with its description and its alias', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const { versions, descriptions } = runs.registry;
    versions[0] = 'deleted';
    const input = { pipeline: 'iris', version: 1 };
    const logged = await runs.play('log_version', input);
    expect(logged).toMatchObject({ added: true, mlflow: { modelVersion: '2' } });
    expect(await readSeen()).toEqual({ build: 1, alias: '2', registered: 2 });
    expect(descriptions['2']).toBe(descriptions['1']);
    const [line] = await runs.store.records.list('iris');
    expect(line).toMatchObject({ model_version: '2' });
  });

  it('is logged whole to a run that exists where the server has lost the one that is known', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const { attempts, records } = runs.store;
    const { attempt } = await records.latest('iris', 1);
    const before = (await attempts.read('iris', attempt))!;
    const lost = 'f'.repeat(32);
    await attempts.swap('iris', attempt, (current) => ({ ...current!, run_id: lost }));
    const { added, mlflow } = await runs.play('log_version', { pipeline: 'iris', version: 1 });
    expect(added).toBe(true);
    expect(mlflow.runId).not.toBe(lost);
    expect(await attempts.read('iris', attempt)).toMatchObject({
      run_id: mlflow.runId,
      logged: before.logged,
    });
    expect(await records.list('iris')).toMatchObject([{ run_id: mlflow.runId }]);
  });

  it('adds nothing where all of it is there', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const input = { pipeline: 'iris', version: 1 };
    const first = await runs.play('log_version', input);
    const { tags, descriptions } = runs.registry;
    const before = { tags: { ...tags[first.mlflow.runId] }, descriptions: { ...descriptions } };
    tags[first.mlflow.runId] = {};
    expect(await runs.play('log_version', input)).toEqual({ ...first, added: false });
    expect(tags[first.mlflow.runId]).toEqual({});
    expect(descriptions).toEqual(before.descriptions);
  });
});

describe('a run with other params', () => {
  it('is a trial: recorded and logged with the params that differ, and not what others see', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const before = await readSeen();
    const trial = await runs.run(1, { params: depth(1) });
    expect(trial).toMatchObject({ version: 1, seq: 2, trial: { 'model.max_depth': 1 } });
    expect(await readSeen()).toEqual(before);
    const builds = await runs.store.records.listBuilds({ pipeline: 'iris', version: 1 }, refuse);
    expect(builds.map(({ record, state }) => [record.seq, state, record.trial])).toEqual([
      [1, 'published', null],
      [2, 'trial', { 'model.max_depth': 1 }],
    ]);
    const tags = runs.registry.tags[builds[1]!.record.mlflow!.run_id];
    expect(tags).toMatchObject({
      'retrain.trial': 'true',
      'retrain.trial_params': 'model.max_depth=1',
    });
  });

  it('leaves a version that has no other build pending', async () => {
    runs = openWholeRuns();
    await runs.run(1, { params: depth(1) });
    expect(await runs.store.records.list('iris')).toEqual([]);
    expect(await runs.play('find_missing', { pipeline: 'iris', before: 2 })).toEqual([1]);
    await expect(runs.store.records.latest('iris', 1)).rejects.toThrow('has not been built');
  });

  it('publishes the version if that is asked', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    const published = await runs.run(1, { params: depth(1), publish: true });
    expect(published).not.toHaveProperty('trial');
    expect(await readSeen()).toEqual({ build: 2, alias: '2', registered: 2 });
  });

  it('that names the params of a plain run is no trial', async () => {
    runs = openWholeRuns({ model: { max_depth: 3 } });
    expect(await runs.run(1, { params: depth(3) })).not.toHaveProperty('trial');
  });

  it('builds no other versions', async () => {
    runs = openWholeRuns();
    const asked = { batch: 2, params: depth(1), with_missing: true };
    await expect(runs.play('pin_run', asked)).rejects.toThrow(
      'a run with model.max_depth=1 is a trial, which builds no other versions',
    );
  });
});

describe('a trial', () => {
  it('is published by its number: its model is registered, and gets the alias', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await runs.run(1, { params: depth(1) });
    const input = { pipeline: 'iris', version: 1, seq: 2 };
    const { mlflow } = await runs.play('log_version', { ...input, publish: true });
    expect(mlflow.modelVersion).toBe('2');
    expect(await readSeen()).toEqual({ build: 2, alias: '2', registered: 2 });
    expect(runs.registry.tags[mlflow.runId]).toMatchObject({ 'retrain.trial': 'false' });
    const states = (
      await runs.store.records.listBuilds({ pipeline: 'iris', version: 1 }, refuse)
    ).map(({ state }) => state);
    expect(states).toEqual(['earlier', 'published']);
    // An earlier build can be published again, in the same way.
    await runs.play('log_version', { ...input, seq: 1, publish: true });
    expect(await readSeen()).toEqual({ build: 1, alias: '1', registered: 2 });
  });

  it('is logged again without being registered', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await runs.run(1, { params: depth(1) });
    const before = await readSeen();
    await runs.play('log_version', { pipeline: 'iris', version: 1, seq: 2 });
    expect(await readSeen()).toEqual(before);
  });

  it('becomes the version when the params of the pipeline become its own', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    await runs.run(1, { params: depth(1) });
    runs.write('params.yaml', 'model: { max_depth: 1 }');
    expect(await runs.run(1)).toMatchObject({ seq: 2 });
    expect(await readSeen()).toEqual({ build: 2, alias: '2', registered: 2 });
  });
});

const PENGUINS = `mass,species\n${Array.from({ length: 40 }, (_, i) => `${i},${i % 2 ? 'adelie' : 'gentoo'}`).join('\n')}\n`;
const FIRST = {
  data: { source: './in/penguins.csv', batch_size: 20, on_new_column: 'adapt' },
};

describe('a pipeline that only --set has defined', () => {
  it.each([[{}], [{ pipelines: { wine: { data: { source: './wine.csv' } } } }]])(
    'is no trial at its first run, and needs no --set afterwards, with %j in params.yaml',
    async (file) => {
      runs = openWholeRuns(file);
      runs.write('in/penguins.csv', PENGUINS);
      const first = await runs.run(1, { pipeline: 'penguins', params: FIRST });
      expect(first).not.toHaveProperty('trial');
      const second = await runs.run(2, { pipeline: 'penguins' });
      expect(second).toMatchObject({ version: 2, seq: 1 });
      const { params } = await runs.store.records.latest('penguins', 2);
      expect(params['data']).toMatchObject({ source: './in/penguins.csv', batch_size: 20 });
    },
  );

  it('is refused without a source, where params.yaml lists others', async () => {
    runs = openWholeRuns({ pipelines: { wine: null } });
    for (const name of ['pin_run', 'pin_nightly'] as const)
      await expect(
        runs.play(name, { ...(name === 'pin_run' ? { batch: 1 } : {}), pipeline: 'penguins' }),
      ).rejects.toThrow('params.yaml has no pipeline penguins, and no data of it is stored');
  });
});

describe('a run of a pipeline whose champions a person approves', () => {
  it('cannot switch the approval off, and one without approval can ask for it', async () => {
    runs = openWholeRuns({ gate: { approval: 'required' } });
    const params = { gate: { approval: 'none' } };
    for (const name of ['pin_run', 'pin_nightly'] as const)
      await expect(
        runs.play(name, { ...(name === 'pin_run' ? { batch: 1 } : {}), params }),
      ).rejects.toThrow(
        `gate.approval is required in the worker's params.yaml, and a run cannot switch it off: leave it out, and answer with "npx retrain approve N --reason REASON --pipeline iris"`,
      );
    runs.write('params.yaml', '{}');
    const asked = { batch: 1, params: { gate: { approval: 'required' } } };
    const pinned = await runs.play('pin_run', asked);
    expect(pinned.params.gate.approval).toBe('required');
  });

  it('repairs a build from before with its own params, which make no champion without approval', async () => {
    runs = openWholeRuns();
    const params = { gate: { approval: 'none' } };
    await runs.run(1, { params });
    runs.write('params.yaml', JSON.stringify({ gate: { approval: 'required' } }));
    const pinned = await runs.play('pin_run', { batch: 1, params, repair: {} });
    expect(pinned).toMatchObject({ params, repair: {} });
    const decided = await runs.play('decide_again', { pipeline: 'iris', version: 1, seq: 1 });
    expect(decided).toMatchObject({
      decision: { outcome: 'promote' },
      gate: { approval: 'required' },
    });
  });
});

describe('a file that cannot be used', () => {
  it('is named to a nightly, which fails at its end if params.yaml says so', async () => {
    runs = openWholeRuns({
      data: { source: './in/', target: 'species' },
      nightly: { on_quarantine: 'fail' },
    });
    runs.write('in/1.csv', PENGUINS);
    runs.write('in/2.csv', 'other,columns\n1,2\n');
    const pinned = await runs.play('pin_nightly', {});
    expect(pinned.failOnQuarantine).toBe(true);
    const { quarantined, batches } = await runs.play('find_pending', { ...pinned, look: true });
    expect(batches).toEqual([{ batch: 1 }]);
    expect(quarantined).toEqual([
      { name: '2.csv', reason: expect.stringContaining('lacks columns') },
    ]);
    const later = await runs.play('find_pending', { ...pinned, look: false });
    expect(later).not.toHaveProperty('quarantined');
  });
});

describe('what is frozen', () => {
  it('comes from the ledger, also when the top of params.yaml changes for other pipelines', async () => {
    runs = openWholeRuns();
    runs.write('in/penguins.csv', PENGUINS);
    await runs.run(1, { pipeline: 'penguins', params: FIRST });
    runs.write('params.yaml', 'data: { source: ./other.csv, columns: { zip: category } }');
    const { params } = await runs.play('pin_run', { batch: 2, pipeline: 'penguins' });
    expect(params.data).toMatchObject({ source: './in/penguins.csv', target: 'species' });
    expect(params.data.columns).toEqual({});
  });

  it('is refused where the own section of a pipeline asks for something else', async () => {
    runs = openWholeRuns();
    await runs.run(1);
    runs.write('params.yaml', 'data: { batch_size: 75 }');
    await expect(runs.run(2)).rejects.toThrow(
      'data.batch_size is frozen at 50 since the first batch of iris was cut',
    );
  });
});
