import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { promotion as promotionQuery } from '../../contract/promotion.ts';
import { nameBuild } from '../../contract/versions.ts';
import { ROOT, succeed } from '../support/project.ts';
import { refused, withProject } from '../support/with-project.ts';

/** The champion of a pipeline through the real stack: the gate, people who approve and reject, and what is taken back. */

const project = withProject('champion', {
  prepare: ({ editParams }) => editParams({ 'batch_size: 50': 'batch_size: 15' }),
});
const { model, temporal } = project;

const bin = (name: string): string => join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', name);
const ALWAYS = ['--set', 'gate.rule=always'];
const WAITS = [...ALWAYS, '--set', 'gate.approval=required'];

interface Shown {
  champion: { version: number; build: number; by: string; reason: string } | null;
  waiting: { version: number; build: number } | null;
  alias: { state: string; expected: string | null; found: string | null } | null;
}

const champion = (): Promise<Shown> => project.json<Shown>('champion');

/** The events of the record of promotions, without what the commands print of them. */
async function history(): Promise<[action: string, version: string, by: string][]> {
  const { events } = (await project.store.champions.read('iris'))!;
  return events.map(({ action, by, ...build }) => [action, nameBuild(build), by]);
}

/** Runs a batch, and returns what became of its build. */
async function outcomeOf(...args: string[]): Promise<string> {
  return (await project.runJson(...args)).promotion!.state;
}

/** Asks MLflow's registry for the version that the alias names, or points it at one. */
async function alias(version?: string): Promise<string | undefined> {
  const url = `${project.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/registered-models/alias`;
  const answer = await (version === undefined
    ? fetch(`${url}?name=${model}&alias=champion`)
    : fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: model, alias: 'champion', version }),
      }));
  const { model_version: found } = (await answer.json()) as { model_version?: { version: string } };
  return found?.version;
}

describe('the gate', () => {
  it('makes the first version the champion, under its alias and under its name', async () => {
    const { promotion, mlflow } = await project.runJson('1');
    expect(promotion).toMatchObject({ state: 'promoted', champion: { version: 1, seq: 1 } });
    const { modelVersion } = mlflow!;
    expect(await champion()).toMatchObject({
      champion: { version: 1, build: 1, by: 'gate' },
      waiting: null,
      alias: { state: 'agrees', expected: modelVersion },
    });
    expect(await alias()).toBe(modelVersion);
    const rows = readFileSync(join(ROOT, 'sources', 'datasets', 'iris.csv'), 'utf8').split('\n');
    project.write('new.csv', rows.slice(0, 5).join('\n'));
    const { stdout } = await succeed(
      project.client('predict', '--model', 'champion', '--in', 'new.csv'),
    );
    expect(stdout.trim().split('\n')).toHaveLength(5);
    const { stdout: path } = await succeed(project.client('report', 'champion'));
    expect(path.trim()).toMatch(/iris-v1\.1\.html$/);
  });

  it('holds a version by its rule, and a person promotes it', async () => {
    const run = await succeed(project.client('run', '2', '--set', 'gate.rule=never'));
    expect(run.stdout).toMatch(/^champion {2}1\.1 stays; 2\.1 is held: /m);
    const { stdout: listed } = await succeed(project.client('list'));
    expect(listed).toMatch(/^ *1\.1 +champion /m);
    expect(listed).toMatch(/^ *2\.1 +held /m);
    const promoted = await project.json('promote', '2', '--reason', 'checked', '--by', 'kim');
    expect(promoted).toMatchObject({
      action: 'promoted',
      version: 2,
      build: 1,
      before: { version: 1, build: 1 },
      by: 'kim',
      reason: 'checked',
    });
    const { stdout } = await succeed(project.client('status', '2'));
    expect(stdout).toMatch(/^gate {6}hold: /m);
    expect(stdout).toMatch(/^champion {2}this build, since .*, by kim: checked$/m);
    expect(refused(await project.client('promote', '2', '--reason', 'again'))).toContain(
      'build 2.1 of iris is the champion already',
    );
    expect(refused(await project.client('promote', '9', '--reason', 'early'))).toContain(
      'version 9 of iris has not been built',
    );
  });
});

describe('a version that waits for approval', () => {
  it('is shown with the commands that answer it, and is approved by the client', async () => {
    const run = await succeed(project.client('run', '3', ...WAITS));
    expect(run.stdout).toContain('3.1 waits for approval');
    expect(run.stdout).toContain('npx retrain approve 3.1 --reason "REASON" --pipeline iris');
    const asked = await temporal.workflow.getHandle('iris-promotion').query(promotionQuery);
    expect(asked.waiting).toMatchObject({ version: 3, seq: 1 });
    expect((await project.client('status', '3')).stdout).toMatch(/^waits {5}version 3\.1 waits/m);
    const other = refused(await project.client('approve', '1', '--reason', 'no'));
    expect(other).toContain('version 1 of iris');
    const done = await succeed(
      project.client('approve', '3', '--reason', 'looks right', '--by', 'kim'),
    );
    expect(done.stdout).toBe('version 3.1 is the champion of iris now; before: 2.1\n');
    expect(refused(await project.client('approve', '3', '--reason', 'twice'))).toMatch(
      /version 3 of iris waits for no approval: it was promoted on .* by kim \(looks right\)/,
    );
  });

  it('is superseded by a newer one, which is approved by "temporal workflow update"', async () => {
    expect(await outcomeOf('4', ...WAITS)).toBe('waiting');
    expect(await outcomeOf('5', ...WAITS)).toBe('waiting');
    const late = refused(await project.client('approve', '4', '--reason', 'late'));
    expect(late).toContain('version 4 of iris');
    const input = JSON.stringify({ version: 5, by: 'lee', reason: 'from a terminal' });
    const update = ['workflow', 'update', 'execute', '--workflow-id', 'iris-promotion'];
    const env = { ...project.env, TEMPORAL_CONFIG_FILE: join(project.folder, 'none.toml') };
    const { stdout } = await promisify(execFile)(
      bin('temporal'),
      [...update, '--name', 'approve', '--input', input],
      { env },
    );
    expect(stdout).toContain('promoted');
    expect((await history()).at(-1)).toEqual(['promoted', '5.1', 'lee']);
  });

  it('is rejected, and one that nobody answers expires', async () => {
    expect(await outcomeOf('6', ...WAITS)).toBe('waiting');
    const rejected = await succeed(project.client('reject', '6', '--reason', 'too few rows'));
    expect(rejected.stdout).toBe('version 6.1 is rejected; 5.1 stays the champion\n');
    expect(await outcomeOf('7', ...WAITS, '--set', 'gate.expiry_hours=0.0005')).toBe('waiting');
    await expect
      .poll(async () => (await history()).at(-1), { timeout: 120_000 })
      .toEqual(['expired', '7.1', 'gate']);
    expect(refused(await project.client('approve', '7', '--reason', 'late'))).toMatch(
      /version 7 of iris waits for no approval: it expired on /,
    );
  });
});

describe('a rollback', () => {
  it('restores the champion before it, and a rebuild of what was taken back is not promoted', async () => {
    const done = await succeed(project.client('rollback', '--reason', 'errors', '--by', 'kim'));
    expect(done.stdout).toBe('version 3.1 is the champion of iris again in place of 5.1\n');
    const { promotion } = await project.runJson('5', '--force', ...ALWAYS);
    expect(promotion).toMatchObject({ state: 'held', champion: { version: 3, seq: 1 } });
    expect(promotion!.reason).toContain('was taken back: only a person can promote it');
  });

  it('needs an earlier champion', async () => {
    expect(refused(await project.client('rollback', '--to', '4', '--reason', 'x'))).toContain(
      'version 4 of iris was not the champion before build 3.1',
    );
  });
});

describe('the alias in MLflow', () => {
  it('that was moved by hand is reported, and pointed at the champion again', async () => {
    const expected = await alias();
    await alias('1');
    expect((await champion()).alias).toMatchObject({ state: 'differs', found: '1' });
    const { stdout } = await project.client('doctor');
    expect(stdout).toMatch(/^champion +warn/m);
    expect(stdout).toContain('npx retrain log 3 --pipeline iris');
    await succeed(project.client('log', '3'));
    expect(await alias()).toBe(expected);
  });

  it('loads the champion in MLflow’s own client', async () => {
    const script = `
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
print(mlflow.pyfunc.load_model(sys.argv[2]).metadata.run_id)`;
    const args = ['-c', script, project.env['MLFLOW_TRACKING_URI']!, `models:/${model}@champion`];
    const env = { ...process.env, MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false' };
    const { stdout } = await promisify(execFile)(bin('python'), args, { env });
    const { mlflow } = (await project.store.records.read('iris', 3, 1))!;
    expect(stdout.trim()).toBe(mlflow!.run_id);
  });
});

describe('the history', () => {
  it('says which version was the champion, and who decided', async () => {
    expect(await history()).toEqual([
      ['promoted', '1.1', 'gate'],
      ['promoted', '2.1', 'kim'],
      ['promoted', '3.1', 'kim'],
      ['superseded', '4.1', 'gate'],
      ['promoted', '5.1', 'lee'],
      ['rejected', '6.1', expect.any(String)],
      ['expired', '7.1', 'gate'],
      ['rolled_back', '3.1', 'kim'],
      ['held', '5.2', 'gate'],
    ]);
    const shown = await project.json<{ events: { number: number }[] }>('champion', 'history');
    expect(shown.events.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is read without a worker, and a decision is refused then', async () => {
    await project.workers[0]!.stop();
    expect((await champion()).champion).toMatchObject({ version: 3 });
    const { code, stderr } = await project.client('promote', '7', '--reason', 'x');
    expect(code).toBe(3);
    expect(stderr).toContain('nothing is decided, because no worker is there');
  });
});
