import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../contract/failures.ts';
import { identityOf } from '../store/process-identity.ts';

interface Owner {
  pid: number;
  identity: string | undefined;
}

const PATIENCE_MS = 15 * 60_000;

/**
 * Runs `work` while this process alone holds the lock file `path`. A lock left by a process that no
 * longer lives is taken over. `waiting` is called once when there is someone to wait for.
 * @throws SetupError when the owner still lives after a quarter of an hour.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  waiting: (pid: number) => void = () => {},
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  let told = false;
  while (!take(path)) {
    const owner = ownerOf(path);
    if (owner !== undefined && !lives(owner)) {
      breakStale(path);
    } else if (Date.now() > deadline) {
      throw new SetupError(
        `process ${owner?.pid} has held ${path} for a quarter of an hour: end it, or delete the file`,
      );
    } else {
      if (owner !== undefined && !told) waiting(owner.pid);
      told ||= owner !== undefined;
      await sleep(150);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** A link appears with its content already in it, so nobody ever reads half a lock. */
function take(path: string): boolean {
  const mine: Owner = { pid: process.pid, identity: identityOf(process.pid) };
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(mine));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new SetupError(`the lock ${path} cannot be made: check the folder's permissions`, {
      cause: error,
    });
  } finally {
    rmSync(draft, { force: true });
  }
}

function ownerOf(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return undefined; // released just now
  }
}

function lives({ pid, identity }: Owner): boolean {
  return identity !== undefined && identityOf(pid) === identity;
}

/** Moves the stale lock away before deleting it: of two that try, one finds it gone. */
function breakStale(path: string): void {
  const aside = `${path}.stale.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
    const moved = ownerOf(aside);
    if (moved !== undefined && lives(moved)) linkSync(aside, path); // another was quicker: give it back
    rmSync(aside, { force: true });
  } catch {
    // gone already
  }
}
