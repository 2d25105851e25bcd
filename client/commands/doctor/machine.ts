import { statfs } from 'node:fs/promises';
import { findPython } from '../../../infra/python.ts';
import { formatBytes } from '../../format.ts';
import { failed, fail, ok, warn, type Finding } from './finding.ts';

const LOW_BYTES = 2e9;
/** S3 refuses requests from a clock that is 15 minutes off. With a few seconds, Temporal's timers are wrong. */
const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 600_000;

/** Node, Python and the disk of this machine. */
export async function checkMachine(root: string): Promise<Finding[]> {
  return [checkNode(process.versions.node), await checkPython(), await checkDisk(root)];
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('Node', version)
    : fail('Node', version, 'install Node 20.19 or newer');
}

async function checkPython(): Promise<Finding> {
  try {
    return ok('Python', await findPython());
  } catch (error) {
    return failed('Python', error, 'warn'); // only the local stack needs Python
  }
}

async function checkDisk(root: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  const found = `${formatBytes(free)} free at ${root}`;
  return free < LOW_BYTES
    ? warn('disk', found, 'free some space: the stack and the local cache need it')
    : ok('disk', found);
}

/** Compares this clock with the Date header of a server's answer; undefined without that header. */
export async function checkClock(url: string): Promise<Finding | undefined> {
  const began = Date.now();
  let date: string | null;
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(3_000) });
    date = response.headers.get('date');
  } catch {
    return undefined; // another check reports a server that does not answer
  }
  // Some servers send the header twice, and fetch joins both: "Tue, 24 Nov …, Tue, 24 Nov …".
  const theirs = Date.parse(/^[^,]*,[^,]*/.exec(date ?? '')?.[0] ?? '');
  if (Number.isNaN(theirs)) return undefined;
  return judgeSkew(new URL(url).host, theirs, (began + Date.now()) / 2);
}

/** @param theirs the time of the server, in milliseconds, cut to whole seconds; @param ours in milliseconds */
export function judgeSkew(host: string, theirs: number, ours: number): Finding {
  const off = Math.abs(ours - theirs - 500);
  const found = `${(off / 1_000).toFixed(1)} s from ${host}`;
  if (off < SKEW_WARN_MS) return ok('clock', found);
  const repair = 'set this clock, or the clock of the server, by NTP';
  return off < SKEW_FAIL_MS ? warn('clock', found, repair) : fail('clock', found, repair);
}
