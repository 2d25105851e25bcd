import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sha256 } from '../../store/hash.ts';
import type { Store } from '../../store/index.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';
import type { Ran } from './project.ts';

/** A folder for stock DVC and git to work in, with nobody's settings but their own. */
export interface DvcFolder {
  folder: string;
  /** Runs `dvc` to its end. */
  dvc: (...args: string[]) => Promise<Ran>;
  /** Runs `dvc` and reads what it prints as JSON. */
  dvcJson: <T>(...args: string[]) => Promise<T>;
  git: (...args: string[]) => Promise<Ran>;
  remove: () => void;
}

/** @param env the servers' addresses and the credentials, as DVC's S3 client reads them */
export function makeDvcFolder(name: string, env: Record<string, string>): DvcFolder {
  const home = mkdtempSync(join(tmpdir(), `retrain ${name} `)); // with a space: homes have them
  const folder = join(home, 'repo');
  const dvcProgram = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin', 'dvc');
  const clean = {
    ...env,
    HOME: home,
    DVC_NO_ANALYTICS: '1',
    DVC_GLOBAL_CONFIG_DIR: join(home, 'global'),
    DVC_SYSTEM_CONFIG_DIR: join(home, 'system'),
    DVC_SITE_CACHE_DIR: join(home, 'site'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@localhost',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@localhost',
  };
  const dvc = (...args: string[]): Promise<Ran> => run(dvcProgram, args, folder, clean);
  return {
    folder,
    dvc,
    dvcJson: async <T>(...args: string[]) => {
      const { code, stdout, stderr } = await dvc(...args, '--json');
      if (code !== 0) throw new Error(`dvc ${args.join(' ')} failed:\n${stderr}`);
      return JSON.parse(stdout) as T;
    },
    git: (...args) => run('git', args, folder, clean),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** The files of the working tree are those that a reference promises. */
export async function expectPulled(
  { artifacts }: Pick<Store, 'artifacts'>,
  { folder }: Pick<DvcFolder, 'folder'>,
  ref: Ref,
): Promise<void> {
  const files = isDirectory(ref) ? await artifacts.list(ref) : [ref];
  const base = isDirectory(ref) ? join(folder, ref.path) : folder;
  for (const { path, sha256: expected } of files)
    expect(sha256(readFileSync(join(base, path)))).toBe(expected);
}

function run(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
    child.once('error', reject).once('close', (code) => resolve({ code, ...out }));
  });
}
