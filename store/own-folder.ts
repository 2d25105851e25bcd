import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeError } from '../contract/failures.ts';
import { processIdentity } from './process-identity.ts';

/** A folder whose owner cannot be checked is removed when nothing in it has changed for two days. */
const STALE_MS = 2 * 86_400_000;

/** `retrain-<kind>-<place>-<pid>-<process identity>-<random>`: the name of a folder says which process owns it. */
const OURS = /^retrain-[a-z]+-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-\w{6}$/;

/** The length of the random end of a name. */
const RANDOM = 6;

/**
 * Makes a folder that this process owns. The caller removes it; if the process is killed first,
 * {@link sweepOwnFolders} removes it.
 * @param kind a word of lower-case letters that names its purpose
 * @throws DiskFull when the disk has no space left, SetupError when the folder may not be written
 */
export async function newOwnFolder(parent: string, kind: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    const { where, identity } = self();
    const owner = `${where}-${process.pid}-${short(identity ?? '')}`;
    return await mkdtemp(join(parent, `retrain-${kind}-${owner}-`));
  } catch (error) {
    throw writeError(parent, error);
  }
}

/**
 * Makes such a folder, runs `work` with it, and removes it.
 * @throws DiskFull when the disk has no space left; if the work fails, its error
 */
export async function withOwnFolder<T>(
  parent: string,
  kind: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await newOwnFolder(parent, kind);
  let result: T;
  try {
    result = await work(folder);
  } catch (error) {
    await removeWritten(folder).catch(() => undefined); // the next sweep removes what is left
    throw error;
  }
  await removeWritten(folder);
  return result;
}

/**
 * Removes a folder into which a part of the work may still write because another part has failed. It gets another name
 * first, so that no more files come into it.
 */
async function removeWritten(folder: string): Promise<void> {
  const unknown = `${folder.slice(0, -RANDOM)}${randomBytes(RANDOM / 2).toString('hex')}`;
  const path = await rename(folder, unknown).then(
    () => unknown,
    () => folder, // the work has removed it
  );
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/**
 * Removes the folders in `parent` whose processes no longer run. A later process with the same pid does
 * not count as the owner. An owner on another machine or container that shares the disk cannot be checked;
 * then the age of the folder decides.
 * @returns the number of removed folders
 */
export async function sweepOwnFolders(parent: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    if (!(await isAbandoned(path, name))) continue;
    // In a shared folder for temporary files, some belong to another user, whose worker removes them.
    removed += await rm(path, { recursive: true, force: true }).then(
      () => 1,
      () => 0,
    );
  }
  return removed;
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const [, where, pid, owner] = OURS.exec(name) ?? [];
  if (where === undefined) return false;
  if (where === self().where && self().identity !== undefined) {
    const now = processIdentity(Number(pid));
    return now === undefined || short(now) !== owner;
  }
  return Date.now() - (await changedAt(path)) > STALE_MS;
}

/** The time of the last change of a folder or anything in it, in milliseconds; now, when it cannot be read. */
async function changedAt(path: string): Promise<number> {
  try {
    const stats = await lstat(path);
    if (!stats.isDirectory()) return stats.mtimeMs;
    const within = await Promise.all(
      (await readdir(path)).map((name) => changedAt(join(path, name))),
    );
    return Math.max(stats.mtimeMs, ...within);
  } catch {
    return Date.now();
  }
}

interface Self {
  where: string;
  /** Undefined when processes cannot be checked. */
  identity: string | undefined;
}

let known: Self | undefined;

/** This process. The result is kept, because outside Linux it runs `ps`. */
function self(): Self {
  known ??= { where: here(), identity: processIdentity(process.pid) };
  return known;
}

/** The place in which a pid names one process: this machine, and on Linux this container. */
function here(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // not Linux: the machine has one space of pids
  }
  return short(`${hostname()} ${namespace}`);
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * Runs work with a temporary folder in the folder `scratch`, which is removed afterwards.
 * @throws DiskFull when there is no room for one, SetupError when it may not be written
 */
export async function withScratch<T>(
  { scratch }: { scratch: string },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  return withOwnFolder(scratch, 'scratch', work);
}
