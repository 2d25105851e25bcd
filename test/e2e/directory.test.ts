import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { makeProject } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Runs tracked in `./mlruns`, with no MLflow server: by the real command line, worker, Temporal and S3. */

const project = withProject('directory', { env: { MLFLOW_TRACKING_URI: './mlruns' } });

describe('a project that tracks in ./mlruns', () => {
  it('runs, and says that no registry version is created and how to look', async () => {
    const document = await project.runJson('1');
    const { mlflow, warnings, promotion } = document;
    expect(promotion).toMatchObject({ state: 'promoted', alias: 'missing', warnings: [] });
    expect((await project.store.champions.read('iris'))!.champion).toEqual({ version: 1, seq: 1 });
    expect(mlflow).toMatchObject({ modelName: project.model, modelVersion: null });
    expect(mlflow!.url).toMatch(/^file:\/\/\/.*%20directory%20.*\/mlruns\/\d{9}\/[0-9a-f]{32}$/);
    expect(mlflow!.look).toContain('mlflow ui --backend-store-uri');
    expect(warnings.filter((text) => text.includes('no registry version is created'))).toHaveLength(
      1,
    );
    expect(await project.json('champion')).toMatchObject({
      champion: { version: 1, build: 1, by: 'gate' },
      alias: { state: 'absent', reason: 'a tracking directory has no registry of models' },
    });
    const status = await project.client('status', '1');
    expect(status.stdout).toContain(mlflow!.url);
  });

  it('has one run an attempt, and finds it again', async () => {
    const [first, again] = [await project.runJson('1'), await project.runJson('1')];
    expect(again.mlflow).toEqual(first.mlflow);
    const tracker = createFilesTracker({ path: join(project.folder, 'mlruns') });
    const experiment = await tracker.ensureExperiment(project.env['MLFLOW_EXPERIMENT_NAME']!);
    const runs = await tracker.findRuns(experiment, { 'retrain.pipeline': 'iris' });
    expect(runs.map(({ runId, status }) => [runId, status])).toEqual([
      [first.mlflow!.runId, 'FINISHED'],
    ]);
  });

  it('refuses by name to be run by a worker that does not share the folder', async () => {
    const { RETRAIN_BUCKET = '', TEMPORAL_NAMESPACE = '' } = project.env;
    // As on another machine: the same servers, another project folder.
    const elsewhere = await makeProject('elsewhere', {
      RETRAIN_BUCKET,
      MLFLOW_TRACKING_URI: './mlruns',
    });
    elsewhere.env['TEMPORAL_NAMESPACE'] = TEMPORAL_NAMESPACE;
    try {
      const { code, stderr } = await elsewhere.client('run', '2');
      expect(code).toBe(1);
      expect(stderr).toContain('does not share');
      for (const { folder } of [elsewhere, project])
        expect(stderr).toContain(join(folder, 'mlruns'));
    } finally {
      await elsewhere.close();
    }
  });

  it('logs again into a directory that was deleted', async () => {
    const before = await project.runJson('1');
    rmSync(join(project.folder, 'mlruns'), { recursive: true });
    const after = await project.runJson('1');
    expect(after.mlflow!.runId).not.toBe(before.mlflow!.runId);
    expect(after.metrics).toEqual(before.metrics);
  });
});
