import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { tryLock } from 'fs-native-extensions';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { withFileLock } from '../../store/file-lock.ts';
import { changeFs } from '../support/change-fs.ts';
import { countOpen, needsOpenFiles } from '../support/open-files.ts';
import { SOON } from '../support/soon.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const MODULE = fileURLToPath(new URL('../../store/file-lock.ts', import.meta.url));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock '));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Calls `then` after each time that a file is opened, before the caller has it. */
function afterOpen(then: () => unknown): void {
  changeFs('open', (open) => async (...args) => {
    const file = await open(...args);
    await then();
    return file;
  });
}

/** Holds the lock in this process, until the function that is returned is called. */
async function hold(): Promise<() => Promise<void>> {
  let release = (): void => undefined;
  let work = Promise.resolve();
  await new Promise<void>((enter, fail) => {
    work = withFileLock(path, () => {
      enter();
      return new Promise<void>((end) => (release = end));
    });
    work.catch(fail);
  });
  return async () => {
    release();
    await work;
  };
}

/** A clock that only this test and sleeps move. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  onTestFinished(() => void vi.useRealTimers());
}

const QUARTER_MS = 15 * 60_000;

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
    let [isIn, asked] = [false, 0];
    afterOpen(() => asked++);
    const taken = withFileLock(
      path,
      async () => {
        isIn = true;
      },
      (pid) => seen.push(pid),
    );
    await vi.waitFor(() => expect(asked).toBeGreaterThan(4), SOON);
    expect([isIn, seen]).toEqual([false, [child.pid]]);
    child.kill('SIGKILL');
    await taken;
    expect(isIn).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  it('is released where something else has removed its file', async () => {
    const work = async (): Promise<string> => {
      rmSync(path);
      return 'done';
    };
    expect(await withFileLock(path, work)).toBe('done');
  });

  it('is not the file that its holder removes between the opening and the locking', async () => {
    const release = await hold();
    let opened = 0;
    afterOpen(async () => {
      if (opened++ === 0) await release();
    });
    expect(await withFileLock(path, async () => readFileSync(path, 'utf8'))).toBe(
      String(process.pid),
    );
    expect(opened).toBe(2);
  });

  it('is the new file that another has locked after the old one was removed', async () => {
    const releaseFirst = await hold();
    let releaseSecond: (() => Promise<void>) | undefined;
    let opened = 0;
    afterOpen(async () => {
      if (opened++ > 0) return;
      await releaseFirst();
      releaseSecond = await hold();
    });
    const order: string[] = [];
    const third = withFileLock(
      path,
      async () => order.push('third is in'),
      () => {
        order.push('second holds it');
        void releaseSecond!();
      },
    );
    await third;
    expect(order).toEqual(['second holds it', 'third is in']);
  });

  it('is given up after a quarter of an hour, and the error names the process that holds it', async () => {
    stopClock();
    const release = await hold();
    const refused = withFileLock(
      path,
      async () => 'in',
      () => vi.setSystemTime(QUARTER_MS + 1),
    );
    await expect(refused).rejects.toMatchObject({
      name: 'SetupError',
      message: `process ${process.pid} has held ${path} for a quarter of an hour: end that process`,
    });
    await release();
    expect(await withFileLock(path, async () => 'in')).toBe('in');
  });

  it('is given up too where its holder has not written who it is', async () => {
    stopClock();
    const file = await fs.open(path, 'a+');
    expect(tryLock(file.fd)).toBe(true);
    let opened = 0;
    afterOpen(() => opened++ === 1 && vi.setSystemTime(QUARTER_MS + 1));
    const seen: number[] = [];
    const refused = withFileLock(
      path,
      async () => 'in',
      (pid) => seen.push(pid),
    );
    await expect(refused).rejects.toThrow('process (unknown) has held');
    expect(seen).toEqual([]);
    await file.close();
  });

  it('is asked for at growing distances, by chance not those of others, and at least every 225 ms', async () => {
    stopClock();
    vi.spyOn(Math, 'random').mockReturnValue(0.1);
    onTestFinished(() => void vi.restoreAllMocks());
    const release = await hold();
    const times: number[] = [];
    afterOpen(async () => {
      times.push(Date.now());
      if (times.length === 8) await release();
    });
    await withFileLock(path, async () => 'in');
    const waits = times.map((time, i) => time - (times[i - 1] ?? 0));
    expect(waits.slice(0, 8)).toEqual([0, 3, 6, 12, 24, 48, 90, 90]);
  });

  it(
    'whose file cannot be written is left, with the error of the system',
    needsOpenFiles,
    async () => {
      const file = await fs.open(import.meta.filename);
      await file.close();
      const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      vi.spyOn(Object.getPrototypeOf(file) as FileHandle, 'truncate').mockRejectedValueOnce(full);
      onTestFinished(() => void vi.restoreAllMocks());
      await expect(withFileLock(path, async () => 'in')).rejects.toBe(full);
      expect(countOpen(path)).toBe(0);
      expect(await withFileLock(path, async () => 'in')).toBe('in');
    },
  );

  it('says by the system’s error that the file cannot be made', async () => {
    const missing = join(folder, 'missing', 'lock');
    await expect(withFileLock(missing, async () => 'in')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
