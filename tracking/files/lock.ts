import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from './failure.ts';

/** What is done under a lock takes milliseconds: an older one was left by a process that is gone. */
const STALE_MS = 20_000;

/** Runs `act` while nobody else, in any process, holds the lock file `path`. */
export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const token = `${hostname()} ${process.pid} ${randomUUID()}`;
  while (!(await take(path, token))) {
    const stale = await staleOwner(path);
    if (stale !== undefined) await setAside(path, stale);
    else await sleep(5 + Math.random() * 10);
  }
  try {
    return await act();
  } finally {
    // Not if it was taken over: then it is another's.
    if ((await ownerOf(path)) === token) await rm(path, { force: true });
  }
}

async function take(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The owner of a lock that nobody will release any more. */
async function staleOwner(path: string): Promise<string | undefined> {
  const owner = await ownerOf(path);
  if (owner === undefined) return undefined;
  const [host, pid] = owner.split(' ');
  if (host === hostname() && pid !== undefined && !lives(Number(pid))) return owner;
  try {
    return Date.now() - (await stat(path)).mtimeMs > STALE_MS ? owner : undefined;
  } catch {
    return undefined; // released just now
  }
}

/** Moved away before it is deleted: of two that try, one finds it gone, or another's and gives it back. */
async function setAside(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await ownerOf(aside)) !== stale) await link(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function ownerOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
