import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFileLock } from '../../store/file-lock.ts';

const MODULE = fileURLToPath(new URL('../../store/file-lock.ts', import.meta.url));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock '));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Another process that holds the lock until it is killed. */
async function holder(): Promise<ChildProcess> {
  const code = `
    const { withFileLock } = await import(${JSON.stringify(MODULE)});
    await withFileLock(${JSON.stringify(path)}, async () => {
      process.stdout.write('held');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', code],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  return child;
}

describe('a file lock', () => {
  it('lets one call in at a time, and leaves no file', async () => {
    let [inside, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await sleep(3);
      inside--;
    };
    await Promise.all(Array.from({ length: 20 }, () => withFileLock(path, work)));
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('is released when the work fails', async () => {
    await expect(withFileLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withFileLock(path, async () => 'in')).toBe('in');
  });

  it('is waited for while another process holds it, even one that is stopped, and taken when that is killed', async () => {
    const child = await holder();
    child.kill('SIGSTOP');
    const seen: number[] = [];
    let isIn = false;
    const taken = withFileLock(
      path,
      async () => {
        isIn = true;
      },
      (pid) => seen.push(pid),
    );
    await sleep(300);
    expect([isIn, seen]).toEqual([false, [child.pid]]);
    child.kill('SIGKILL');
    await taken;
    expect(isIn).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  it('says by the system’s error that the file cannot be made', async () => {
    const missing = join(folder, 'missing', 'lock');
    await expect(withFileLock(missing, async () => 'in')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
