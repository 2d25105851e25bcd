import { execFile, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeVenv } from '../../infra/python.ts';
import { stackDown, stackUp } from '../../infra/stack.ts';
import { COMMAND } from '../support/project.ts';
import { stackEnv } from '../support/stack-env.ts';
import { root, testPorts, testStackDir, venv } from '../support/stack.ts';

const { dir, remove } = testStackDir();
const folder = mkdtempSync(join(tmpdir(), 'state '));
const file = join(folder, 'stack.tgz');
copyFileSync(join(root, 'params.yaml'), join(folder, 'params.yaml'));

/** Runs the command line on this stack without blocking the event loop. */
function client(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { TEMPORAL_NAMESPACE: _, ...inherited } = process.env;
  const env = { ...inherited, ...stackEnv(dir), RETRAIN_STACK_DIR: dir, RETRAIN_ROOT: folder };
  return new Promise((resolve) =>
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ).stdin?.end(),
  );
}
async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await client(...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout) as T;
}
const up = async (): Promise<void> => stackUp({ root, dir, venv, s3: 'seaweedfs' });

interface Ran {
  runId: string;
  mlflow: { runId: string; modelVersion: string };
  stages: { stage: string; cached: boolean; outputs: { md5: string }[] }[];
}

beforeAll(async () => {
  await stackUp({ root, dir, venv, ports: await testPorts(), s3: 'seaweedfs' });
});
afterAll(async () => {
  await remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('the state of a stack', () => {
  let first: Ran;

  it('is saved to one file that only its owner can read, while the stack runs', async () => {
    first = await json<Ran>('run', '1');
    const saved = await json<{ objects: number }>('stack', 'backup', file);
    expect(saved.objects).toBeGreaterThan(10);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir).filter((name) => name.startsWith('retrain-'))).toEqual([]);
  });

  it('is removed only after a confirmation', async () => {
    const refused = await client('stack', 'reset');
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('--yes');
    expect(await json('stack', 'reset', '--yes')).toEqual({ removed: dir });
    expect(readdirSync(dir)).not.toContain('temporal');
  });

  it('comes back whole: history, artifacts, MLflow, and a cached run makes nothing new', async () => {
    await json('stack', 'restore', file);
    await up();
    const running = await client('stack', 'restore', file, '--yes');
    expect(running).toMatchObject({ code: 3 });
    expect(running.stderr).toContain('stop it first');
    expect(await json('verify', '1')).toMatchObject({ problems: [] });
    const again = await json<Ran>('run', '1');
    // The gate alone decides again: the build is the champion by now.
    expect(again.stages.slice(0, -1).every(({ cached }) => cached)).toBe(true);
    expect(again.stages.slice(0, -1).map(({ outputs }) => outputs)).toEqual(
      first.stages.slice(0, -1).map(({ outputs }) => outputs),
    );
    expect(again.mlflow).toEqual(first.mlflow);
    const run = ['workflow', 'describe', '-w', 'iris-batch-1', '-r', first.runId, '-o', 'json'];
    const { temporal } = describeVenv(venv);
    const address = stackEnv(dir).TEMPORAL_ADDRESS;
    const shown = spawnSync(temporal, [...run, '--address', address], { encoding: 'utf8' });
    expect(shown.stdout).toContain('WORKFLOW_EXECUTION_STATUS_COMPLETED');
  });

  it('is not begun from a file that is not there', async () => {
    const nowhere = join(folder, 'no stack');
    const env = { ...process.env, RETRAIN_STACK_DIR: nowhere, RETRAIN_ROOT: folder };
    const args = [COMMAND, 'stack', 'restore', 'nothing.tgz', '--yes'];
    const { status, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    expect(stderr).toContain(`there is no file ${join(folder, 'nothing.tgz')}`);
    expect(status).toBe(2);
    expect(existsSync(nowhere)).toBe(false);
  });

  it('does not change for a file that is not a backup, or that would write outside its folder', async () => {
    await stackDown({ root, dir });
    const before = statSync(join(dir, 'temporal', 'temporal.db')).ino;
    const odd = join(folder, 'odd.tgz');
    writeFileSync(odd, 'not a backup');
    const plain = await client('stack', 'restore', odd, '--yes');
    expect(plain.code).toBe(3);
    expect(plain.stderr).toContain('cannot be read as a backup');
    const script = `import io, sys, tarfile
with tarfile.open(sys.argv[1], 'w:gz') as tar:
    info = tarfile.TarInfo('../escaped'); info.size = 1; tar.addfile(info, io.BytesIO(b'x'))`;
    spawnSync(describeVenv(venv).python, ['-c', script, odd]);
    const escaping = await client('stack', 'restore', odd, '--yes');
    expect(escaping.code).toBe(3);
    expect(escaping.stderr).toContain("'../escaped', which is not a plain file");
    expect(statSync(join(dir, 'temporal', 'temporal.db')).ino).toBe(before);
    expect(readdirSync(dir).filter((name) => name.startsWith('re'))).toEqual([]);
  });
});
