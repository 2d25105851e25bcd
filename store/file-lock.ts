import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';
import { SetupError } from '../contract/failures.ts';

const PATIENCE_MS = 15 * 60_000;

/** Milliseconds between two tries: short at first, because most locks are held for an instant. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [5, 150];

/**
 * Runs `work` while this process alone, and this call alone, holds the lock file `path`. The lock is the
 * operating system's: it is released when its process ends, however it ends, and a process that is stopped
 * or busy keeps it.
 * @param waiting called once when another process holds the lock
 * @throws SetupError when it is still held after a quarter of an hour, the system's error when the file cannot
 *   be created
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  waiting: (pid: number) => void = () => {},
): Promise<T> {
  const file = await acquire(path, waiting);
  try {
    return await work();
  } finally {
    await rm(path, { force: true }); // while it is held, so that nobody holds a file that is gone
    await file.close();
  }
}

async function acquire(path: string, waiting: (pid: number) => void): Promise<FileHandle> {
  const deadline = Date.now() + PATIENCE_MS;
  let isReported = false;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    const file = await tryAcquire(path);
    if (!('heldBy' in file)) return file;
    const { heldBy } = file;
    if (Date.now() > deadline)
      throw new SetupError(
        `process ${heldBy ?? '(unknown)'} has held ${path} for a quarter of an hour: end that process`,
      );
    if (heldBy !== undefined && !isReported) {
      waiting(heldBy);
      isReported = true;
    }
    await sleep(wait * (0.5 + Math.random()));
  }
}

/** @returns the locked file, or the process that holds it as far as that is known */
async function tryAcquire(path: string): Promise<FileHandle | { heldBy: number | undefined }> {
  const file = await open(path, 'a+');
  try {
    if (!tryLock(file.fd)) {
      const pid = Number(await file.readFile('utf8'));
      await file.close();
      return { heldBy: pid > 0 ? pid : undefined };
    }
    // The previous holder may have removed the file. Then another file at this path is the lock.
    const there = await stat(path).catch(() => undefined);
    if (there?.ino !== (await file.stat()).ino) {
      await file.close();
      return { heldBy: undefined };
    }
    await file.truncate(0);
    await file.write(String(process.pid), 0);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
