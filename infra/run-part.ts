import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../contract/failures.ts';
import { processIdentity } from '../store/process-identity.ts';
import type { Part } from './parts/part.ts';
import { assertFree } from './ports.ts';
import {
  launch,
  findProcess,
  logFile,
  listMembers,
  type ProcessRecord,
  quoteLog,
  removePidFile,
} from './process.ts';
import type { PartName, Report } from './report.ts';

export interface StartOptions {
  /** End the running process first. Default: it keeps running if it is healthy. */
  restart?: boolean;
  /** Wait until it answers. Default: true. */
  wait?: boolean;
}

/** A part that runs but does not answer is started again after this time. */
const SICK_MS = 10_000;

/**
 * Starts a part and waits until it answers. A part that is healthy and was started with the same
 * settings keeps running.
 * @throws SetupError when another process holds its port, when it ends, or when it does not answer in time.
 */
export async function startPart(
  dir: string,
  part: Part,
  report: Report,
  { restart = false, wait = true }: StartOptions = {},
): Promise<void> {
  const fingerprint = hashSettings(part);
  const running = findProcess(dir, part.name);
  const isStarting =
    running?.fingerprint === fingerprint && Date.parse(running.since) + part.startMs > Date.now();
  if (isStarting && !restart && !wait && (await part.problem()) !== undefined) {
    report({ part: part.name, state: 'ready', line: describeStart(part) });
    return;
  }
  const why =
    running && (restart ? 'is restarted' : await reasonToRestart(dir, part, running, fingerprint));
  if (running !== undefined && why === undefined) {
    report({ part: part.name, state: 'ready', line: `${part.title} runs at ${part.url}` });
    return;
  }
  if (why !== undefined) {
    const line = restart ? `${part.title} ends` : `${part.title} ${why}: starting it again`;
    report({ part: part.name, state: 'stopping', line });
  }
  if (running !== undefined || (await listMembers(dir, part.name)).length > 0) {
    await stopPart(dir, part.name, part.stopMs);
  }
  await assertFree(part.name, part.ports);
  report({ part: part.name, state: 'starting', line: `${part.title} starts` });
  const began = Date.now();
  const env = makeEnvironment(part);
  await launch({ dir, part: part.name, command: part.command, cwd: part.cwd, env, fingerprint });
  if (!wait) {
    report({ part: part.name, state: 'ready', line: describeStart(part) });
    return;
  }
  await untilHealthy(dir, part, began + part.startMs);
  await part.afterStart?.();
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  report({
    part: part.name,
    state: 'ready',
    line: `${part.title} runs at ${part.url} (${seconds} s)`,
  });
}

function describeStart({ title, url }: Part): string {
  return `${title} is starting at ${url}: a run can begin, and waits for it where it needs it`;
}

async function reasonToRestart(
  dir: string,
  part: Part,
  { since, fingerprint: before }: ProcessRecord,
  fingerprint: string,
): Promise<string | undefined> {
  if (before !== fingerprint) return 'was started with other settings or other code';
  // A part that was started a moment ago gets the time that a start may take.
  const end = Math.max(Date.now() + SICK_MS, Date.parse(since) + part.startMs);
  for (; ; await sleep(250)) {
    if ((await part.problem()) === undefined) return undefined;
    if (findProcess(dir, part.name) === undefined) return 'has ended';
    if (Date.now() > end) return 'does not answer';
  }
}

async function untilHealthy(dir: string, part: Part, deadline: number): Promise<void> {
  const log = logFile(dir, part.name);
  for (;;) {
    const problem = await part.problem();
    const lives = findProcess(dir, part.name) !== undefined;
    if (problem === undefined && lives) return;
    if (!lives)
      throw new SetupError(`${part.title} ended while starting; ${quoteLog(log)}`, {
        details: { endedWhileStarting: part.name },
      });
    if (Date.now() > deadline) {
      const seconds = Math.round(part.startMs / 1000);
      throw new SetupError(
        `${part.title} is not healthy after ${seconds} s (${problem}): see what its log says and start again; ${quoteLog(log)}`,
      );
    }
    await sleep(100);
  }
}

function makeEnvironment(part: Part): NodeJS.ProcessEnv {
  const ambient = Object.entries(process.env).filter(([name]) => !part.hide.test(name));
  return { ...Object.fromEntries(ambient), ...part.env };
}

/** A hash, because the environment holds credentials. */
function hashSettings({ command, cwd, env, edition }: Part): string {
  return createHash('sha256')
    .update(JSON.stringify([command, cwd, env, edition?.()]))
    .digest('hex');
}

/**
 * Ends every process of a part. The leader gets SIGTERM first, so that it can end its children in order.
 * The remaining processes then get SIGTERM too, and SIGKILL only after the grace time. A process gets a
 * signal only if its start time shows that it is still the same process.
 * @returns whether any process was found, and whether one had to be killed.
 */
export async function stopPart(
  dir: string,
  part: PartName,
  graceMs: number,
): Promise<{ found: boolean; killed: boolean }> {
  const leader = findProcess(dir, part);
  let killed = false;
  if (leader !== undefined) {
    sendSignal(leader.pid, leader.identity, 'SIGTERM');
    await waitUntil(() => processIdentity(leader.pid) !== leader.identity, graceMs);
  }
  const left = await listMembers(dir, part);
  const found = leader !== undefined || left.length > 0;
  if (left.length > 0) {
    const known = left.map((pid) => ({ pid, identity: processIdentity(pid) }));
    const allGone = (): boolean =>
      known.every(({ pid, identity }) => processIdentity(pid) !== identity);
    for (const { pid, identity } of known) sendSignal(pid, identity, 'SIGTERM');
    if (!(await waitUntil(allGone, 5000))) {
      killed = true;
      for (const { pid, identity } of known) sendSignal(pid, identity, 'SIGKILL');
      await waitUntil(allGone, 5000);
    }
  }
  removePidFile(dir, part);
  return { found, killed };
}

function sendSignal(pid: number, identity: string | undefined, signal: NodeJS.Signals): void {
  if (identity === undefined || processIdentity(pid) !== identity) return;
  try {
    process.kill(pid, signal);
  } catch {
    // ended between the check and the signal
  }
}

async function waitUntil(done: () => boolean, patienceMs: number): Promise<boolean> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(40)) {
    if (done()) return true;
  }
  return done();
}
