import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { verifyVersions } from '../../client/verify/versions.ts';
import { makeBuilt, type BuiltProject } from '../support/built.ts';
import { runClient, succeed } from '../support/project.ts';

/** Two people at two machines: project folders of their own, the servers in common. */

let built: BuiltProject;
let elsewhere: string;

beforeAll(async () => {
  built = await makeBuilt('clients');
  elsewhere = mkdtempSync(join(tmpdir(), 'retrain elsewhere '));
  cpSync(join(built.project.folder, 'params.yaml'), join(elsewhere, 'params.yaml'));
});

afterAll(async () => {
  await built?.close();
  rmSync(elsewhere, { recursive: true, force: true });
});

describe('two clients that run the same batch at once', () => {
  it('share one run, and both are told of the same version', async () => {
    const { project, store } = built;
    const env = { ...project.env, RETRAIN_ROOT: elsewhere };
    const both = await Promise.all([
      succeed(project.client('run', '2', '--json')),
      succeed(runClient(['run', '2', '--json'], elsewhere, env)),
    ]);
    const [one, other] = both.map(({ stdout }) => JSON.parse(stdout) as ResultDocument);
    // One that comes when the other is done finds every stage cached: a run of its own, nothing new.
    const working = [one!, other!].filter(({ stages }) => stages.some(({ cached }) => !cached));
    expect(new Set(working.map(({ runId }) => runId)).size).toBe(1);
    expect(other!.metrics).toEqual(one!.metrics);
    expect(other!.mlflow).toEqual(one!.mlflow);
    const record = await store.records.latest('iris', 2);
    expect(record.seq).toBe(1);
    expect(await store.records.read('iris', 2, 2)).toBeUndefined();
    expect(await verifyVersions(store, { pipeline: 'iris', version: 2 })).toMatchObject({
      problems: [],
    });
  });

  it('with other params: the later one is refused, or builds a version of its own after it', async () => {
    const { project, store } = built;
    const env = { ...project.env, RETRAIN_ROOT: elsewhere };
    const both = await Promise.all([
      project.client('run', '3', '--set', 'model.max_depth=2', '--json'),
      runClient(['run', '3', '--set', 'model.max_depth=3', '--json'], elsewhere, env),
    ]);
    const won = both.filter(({ code }) => code === 0);
    const lost = both.filter(({ code }) => code !== 0);
    expect(won.length).toBeGreaterThanOrEqual(1);
    for (const { stdout } of lost)
      expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error: { type: 'Conflict' } });
    const record = await store.records.latest('iris', 3);
    expect(record.seq).toBe(won.length);
    const depths = won.map(
      ({ stdout }) => (JSON.parse(stdout) as { params: { model: unknown } }).params.model,
    );
    expect(depths).toContainEqual(record.params['model']);
    expect(await verifyVersions(store, { pipeline: 'iris', version: 3 })).toMatchObject({
      problems: [],
    });
  });
});
