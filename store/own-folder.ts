import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeError } from '../contract/failures.ts';
import { identityOf } from './process-identity.ts';

/** What a process that cannot be asked after left is rubbish once nothing in it has changed for two days. */
const STALE_MS = 2 * 86_400_000;

/** `<kind>-<where>-<pid>-<which process had that pid>-<random>`: a folder says by its name whose it is. */
const OURS = /^retrain-[a-z]+-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-\w{6}$/;

/**
 * Makes a folder that is this process's own. Whoever makes it removes it; where the process is killed
 * first, {@link sweepOwnFolders} does.
 * @param kind a word of lower-case letters that says what it is for
 * @throws DiskFull when there is no room for one
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
 * Does some work with a folder of its own, which is gone afterwards.
 * @throws DiskFull when there is no room for one
 */
export async function withOwnFolder<T>(
  parent: string,
  kind: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await newOwnFolder(parent, kind);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Removes the folders in `parent` whose processes live no more. A later process with the same pid is not
 * taken for the owner; where the owner's processes cannot be seen from here (another machine or
 * container that shares the disk) its folder goes by age.
 * @returns how many were removed
 */
export async function sweepOwnFolders(parent: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    if (!(await isLeft(path, name))) continue;
    // In a folder for everybody's temporary files some are another user's, whose worker removes them.
    removed += await rm(path, { recursive: true, force: true }).then(
      () => 1,
      () => 0,
    );
  }
  return removed;
}

async function isLeft(path: string, name: string): Promise<boolean> {
  const [, where, pid, owner] = OURS.exec(name) ?? [];
  if (where === undefined) return false;
  if (where === self().where && self().identity !== undefined) {
    const now = identityOf(Number(pid));
    return now === undefined || short(now) !== owner;
  }
  return Date.now() - (await changedAt(path)) > STALE_MS;
}

/** When a folder or anything in it last changed, in milliseconds; now, where it cannot be told. */
async function changedAt(path: string): Promise<number> {
  try {
    const its = await lstat(path);
    if (!its.isDirectory()) return its.mtimeMs;
    const within = await Promise.all(
      (await readdir(path)).map((name) => changedAt(join(path, name))),
    );
    return Math.max(its.mtimeMs, ...within);
  } catch {
    return Date.now();
  }
}

interface Self {
  where: string;
  /** Undefined where processes cannot be asked after. */
  identity: string | undefined;
}

let known: Self | undefined;

/** This process, asked after once: outside Linux that is a process of its own. */
function self(): Self {
  known ??= { where: here(), identity: identityOf(process.pid) };
  return known;
}

/** Where pids mean the same processes as here: this machine, and on Linux the same container. */
function here(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // no Linux: one machine, one space of pids
  }
  return short(`${hostname()} ${namespace}`);
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
