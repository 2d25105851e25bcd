import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectPulled, makeDvcFolder, type DvcFolder } from '../support/dvc.ts';
import { succeed, type Ran } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Exports of versions 2 and 3, read by the real DVC from the real bucket. */

const STAGES = ['get_data', 'merge_data', 'preprocess', 'train', 'evaluate', 'gate'];

/** The commits of versions 2 and 3. */
const BETWEEN = ['HEAD~1', 'HEAD'];

const folders: DvcFolder[] = [];

const project = withProject('dvc', {
  runs: [['2'], ['3', '--publish', '--set', 'model.max_depth=1']],
});
const { store } = project;

afterAll(() => folders.forEach((folder) => folder.remove()));

function open(name: string): DvcFolder {
  const folder = makeDvcFolder(name, project.env);
  folders.push(folder);
  mkdirSync(folder.folder);
  return folder;
}

async function exportTo(to: DvcFolder, ...args: string[]): Promise<Ran> {
  return succeed(project.client('dvc', 'export', ...args, '--out', to.folder));
}

describe('an export in a git repository, a commit for each version', () => {
  let repo: DvcFolder;

  beforeAll(async () => {
    repo = open('git');
    await succeed(repo.git('init', '--quiet'));
    for (const version of ['2', '3']) {
      await exportTo(repo, version);
      await succeed(repo.git('add', '--all'));
      await succeed(repo.git('commit', '--quiet', '--message', `version ${version}`));
    }
  });

  it('pulls every file that the version’s stages left', async () => {
    await succeed(repo.dvc('pull'));
    const { stages } = await store.records.latest('iris', 3);
    for (const { outputs } of stages)
      for (const ref of Object.values(outputs)) await expectPulled(store, repo, ref);
    const batches = readdirSync(join(repo.folder, 'data', 'batches'));
    expect(batches.sort()).toEqual([1, 2, 3].map((batch) => `batch_00000${batch}.csv`));
    expect((await repo.git('status', '--porcelain')).stdout).toBe('');
  });

  it('is clean in status, against the working tree and against the bucket', async () => {
    expect(await repo.dvcJson('status')).toEqual({});
    expect(await repo.dvcJson('status', '--cloud')).toEqual({});
  });

  it('runs nothing in repro', async () => {
    const lock = readFileSync(join(repo.folder, 'dvc.lock'), 'utf8');
    const { stdout } = await succeed(repo.dvc('repro'));
    for (const stage of [...STAGES, ...[1, 2, 3].map((batch) => `prepare_batch@${batch}`)])
      expect(stdout).toContain(`Stage '${stage}' didn't change, skipping`);
    expect(stdout).toContain('Data and pipelines are up to date.');
    expect(stdout).not.toContain('Running stage');
    expect(readFileSync(join(repo.folder, 'dvc.lock'), 'utf8')).toBe(lock);
  });

  it('shows its metrics, and what they were in the version before', async () => {
    const [two, three] = await Promise.all([2, 3].map((n) => store.records.latest('iris', n)));
    const shown = await repo.dvcJson<object>('metrics', 'show');
    const scores = JSON.parse(readFileSync(join(repo.folder, 'metrics.json'), 'utf8')) as object;
    expect(shown).toEqual({ '': { data: { 'metrics.json': { data: scores } } } });
    expect(three!.metrics).toMatchObject(scores);
    const diff = await repo.dvcJson<Record<string, Record<string, object>>>(
      'metrics',
      'diff',
      ...BETWEEN,
    );
    expect(diff['metrics.json']!['accuracy']).toMatchObject({
      old: two!.metrics['accuracy'],
      new: three!.metrics['accuracy'],
    });
  });

  it('shows the params that differ', async () => {
    const diff = await repo.dvcJson('params', 'diff', ...BETWEEN);
    expect(diff).toEqual({ 'params.yaml': { 'model.max_depth': { old: 5, new: 1, diff: -4 } } });
  });

  it('draws its plots, of one version and of two beside each other', async () => {
    const page = 'plots.html';
    await succeed(repo.dvc('plots', 'show', '--out', page));
    const html = readFileSync(join(repo.folder, page, 'index.html'), 'utf8');
    for (const title of ['Confusion matrix', 'F1 of each class']) expect(html).toContain(title);
    const { data } = await repo.dvcJson<{ data: Record<string, { revisions: string[] }[]> }>(
      'plots',
      'diff',
      ...BETWEEN,
      '--split',
    );
    expect(Object.keys(data).sort()).toEqual(['plots/classes.json', 'plots/confusion.json']);
    for (const [drawn] of Object.values(data))
      expect(drawn!.revisions.toSorted()).toEqual(['HEAD', 'HEAD~1']);
  });

  it('compares commits in a fresh clone that has pulled nothing and has no credentials', async () => {
    const clone = makeDvcFolder('clone', { PATH: process.env['PATH']! });
    folders.push(clone);
    mkdirSync(dirname(clone.folder), { recursive: true });
    await succeed(repo.git('clone', '--quiet', repo.folder, clone.folder));
    const { stdout } = await succeed(clone.dvc('metrics', 'diff', ...BETWEEN));
    expect(stdout).toContain('accuracy');
    await succeed(clone.dvc('plots', 'diff', ...BETWEEN));
  });

  it('brings the earlier version back with git checkout and dvc checkout', async () => {
    await succeed(repo.git('checkout', '--quiet', 'HEAD~1'));
    await succeed(repo.dvc('pull'));
    expect(await repo.dvcJson('status')).toEqual({});
    const { stages } = await store.records.latest('iris', 2);
    for (const { outputs } of stages)
      for (const ref of Object.values(outputs)) await expectPulled(store, repo, ref);
    expect((await succeed(repo.dvc('repro'))).stdout).not.toContain('Running stage');
  });
});

describe('an export outside git', () => {
  let plain: DvcFolder;

  it('is the latest version unless one is named, and says what it wrote', async () => {
    plain = open('plain');
    const { stdout } = await exportTo(plain, '--json');
    const document = JSON.parse(stdout) as { files: string[] };
    expect(document).toEqual({
      pipeline: 'iris',
      version: 3,
      out: plain.folder,
      files: expect.arrayContaining(['dvc.yaml', 'dvc.lock', 'params.yaml', '.dvc/config']),
    });
    for (const file of document.files) expect(existsSync(join(plain.folder, file))).toBe(true);
  });

  it('pulls, is clean and runs nothing', async () => {
    await succeed(plain.dvc('pull'));
    expect(await plain.dvcJson('status')).toEqual({});
    expect(await plain.dvcJson('status', '--cloud')).toEqual({});
    expect((await succeed(plain.dvc('repro'))).stdout).toContain('up to date');
  });

  it('holds no credentials', () => {
    const config = readFileSync(join(plain.folder, '.dvc/config'), 'utf8');
    expect(config).not.toContain(project.env['AWS_SECRET_ACCESS_KEY']);
    expect(config).toContain(`url = s3://${project.env['RETRAIN_BUCKET']}`);
  });

  it('is left alone where a file was edited by hand, until --force', async () => {
    const file = join(plain.folder, 'params.yaml');
    const edited = readFileSync(file, 'utf8').replace('max_depth: 1', 'max_depth: 9');
    writeFileSync(file, edited);
    const refused = await project.client('dvc', 'export', '2', '--out', plain.folder);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('(params.yaml)');
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(file, 'utf8')).toBe(edited);
    expect(readFileSync(join(plain.folder, 'dvc.lock'), 'utf8')).toContain('models/batch_3');
    await exportTo(plain, '2', '--force');
    expect(readFileSync(file, 'utf8')).toContain('max_depth: 5');
    await exportTo(plain, '3');
  });

  it('refuses a version that was never built, and the project folder', async () => {
    const unknown = await project.client('dvc', 'export', '9', '--out', plain.folder);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('version 9 of iris has not been built');
    const root = await project.client('dvc', 'export', '3', '--out', '.');
    expect(root.code).toBe(2);
    expect(root.stderr).toContain('the project folder');
  });
});
