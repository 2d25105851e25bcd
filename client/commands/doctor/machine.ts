import { statfs } from 'node:fs/promises';
import { findPython } from '../../../infra/python.ts';
import { bytes } from '../../format.ts';
import { failed, fail, ok, warn, type Finding } from './finding.ts';

const LOW_BYTES = 2e9;
/** Signed S3 requests are refused at fifteen minutes; Temporal's timers notice seconds. */
const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 600_000;

/** Node, Python and the disk of this machine. */
export async function machine(root: string): Promise<Finding[]> {
  return [node(process.versions.node), await python(), await disk(root)];
}

export function node(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('Node', version)
    : fail('Node', version, 'install Node 20.19 or newer');
}

async function python(): Promise<Finding> {
  try {
    return ok('Python', await findPython());
  } catch (error) {
    return failed('Python', error, 'warn'); // only the local stack needs one
  }
}

async function disk(root: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  const found = `${bytes(free)} free at ${root}`;
  return free < LOW_BYTES
    ? warn('disk', found, 'make space: the stack and the local cache need some')
    : ok('disk', found);
}

/** How far this clock is from a server's, by the Date of its answer; undefined when it says none. */
export async function clock(url: string): Promise<Finding | undefined> {
  const began = Date.now();
  let date: string | null;
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(3_000) });
    date = response.headers.get('date');
  } catch {
    return undefined; // whether it answers is another check's
  }
  // Behind some servers two layers say it, and the answer holds both: "Tue, 24 Nov …, Tue, 24 Nov …".
  const theirs = Date.parse(/^[^,]*,[^,]*/.exec(date ?? '')?.[0] ?? '');
  if (Number.isNaN(theirs)) return undefined;
  return skew(new URL(url).host, theirs, (began + Date.now()) / 2);
}

/** @param theirs the server's time, whole seconds, in milliseconds; @param ours likewise */
export function skew(host: string, theirs: number, ours: number): Finding {
  const off = Math.abs(ours - theirs - 500);
  const found = `${(off / 1_000).toFixed(1)} s from ${host}`;
  if (off < SKEW_WARN_MS) return ok('clock', found);
  const mend = 'set this clock by NTP, or that of the server';
  return off < SKEW_FAIL_MS ? warn('clock', found, mend) : fail('clock', found, mend);
}
