import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../contract/failures.ts';
import { quoteLog } from './log.ts';
import { membersOf } from './members.ts';
import type { Part } from './parts/index.ts';
import { assertFree } from './port-holder.ts';
import { launch, liveProcess, logFile } from './process.ts';
import { stopPart } from './stop.ts';
import type { Report } from './types.ts';

/** A part that lives but does not answer gets this long before it is started anew. */
const SICK_MS = 10_000;

/**
 * Makes a part run: leaves it alone when it is healthy and started as it would be now, else starts
 * it (again) and waits until it answers.
 * @throws SetupError when its port is held by another, when it ends, or does not answer in time.
 */
export async function bringUp(dir: string, part: Part, report: Report): Promise<void> {
  const fingerprint = fingerprintOf(part);
  const running = liveProcess(dir, part.name);
  const why = running && (await reasonToRestart(part, running.fingerprint !== fingerprint));
  if (running !== undefined && why === undefined) {
    report({ part: part.name, state: 'ready', line: `${part.title} runs at ${part.url}` });
    return;
  }
  if (why !== undefined) {
    report({ part: part.name, state: 'stopping', line: `${part.title} ${why}: starting it again` });
  }
  if (running !== undefined || (await membersOf(dir, part.name)).length > 0) {
    await stopPart(dir, part.name, part.stopMs);
  }
  await assertFree(part.name, part.ports);
  report({ part: part.name, state: 'starting', line: `${part.title} starts` });
  const began = Date.now();
  const env = environment(part);
  await launch({ dir, part: part.name, command: part.command, cwd: part.cwd, env, fingerprint });
  await untilHealthy(dir, part, began + part.startMs);
  await part.afterStart?.();
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  report({
    part: part.name,
    state: 'ready',
    line: `${part.title} runs at ${part.url} (${seconds} s)`,
  });
}

async function reasonToRestart(part: Part, changed: boolean): Promise<string | undefined> {
  if (changed) return 'was started with other settings or other code';
  for (const end = Date.now() + SICK_MS; ; await sleep(250)) {
    if ((await part.problem()) === undefined) return undefined;
    if (Date.now() > end) return 'does not answer';
  }
}

async function untilHealthy(dir: string, part: Part, deadline: number): Promise<void> {
  const log = logFile(dir, part.name);
  for (;;) {
    const problem = await part.problem();
    const lives = liveProcess(dir, part.name) !== undefined;
    if (problem === undefined && lives) return;
    if (!lives) throw new SetupError(`${part.title} ended while starting; ${quoteLog(log)}`);
    if (Date.now() > deadline) {
      const seconds = Math.round(part.startMs / 1000);
      throw new SetupError(
        `${part.title} is not healthy after ${seconds} s (${problem}): see what its log says and start again; ${quoteLog(log)}`,
      );
    }
    await sleep(100);
  }
}

function environment(part: Part): NodeJS.ProcessEnv {
  const ambient = Object.entries(process.env).filter(([name]) => !part.hide.test(name));
  return { ...Object.fromEntries(ambient), ...part.env };
}

/** A hash, because the environment holds credentials. */
function fingerprintOf({ command, cwd, env, edition }: Part): string {
  return createHash('sha256')
    .update(JSON.stringify([command, cwd, env, edition]))
    .digest('hex');
}
