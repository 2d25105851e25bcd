import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SetupError } from '../contract/failures.ts';
import { isFree } from './ports.ts';

const run = promisify(execFile);

/** A port a part listens on, and the variable that moves it. */
export interface PortUse {
  port: number;
  variable: string;
}

/**
 * Checks that every port is free before a part starts.
 * @throws SetupError naming the port, the part that wants it, who holds it, and how to choose another.
 */
export async function assertFree(part: string, uses: PortUse[]): Promise<void> {
  for (const { port, variable } of uses) {
    if (await isFree(port)) continue;
    const holder = await holderOf(port);
    const by = holder === undefined ? 'another process' : `${holder.name} (process ${holder.pid})`;
    throw new SetupError(
      `port ${port}, which ${part} wants, is held by ${by}: end that, or choose another port with ${variable}`,
      { details: { port, part, ...(holder === undefined ? {} : { pid: holder.pid }) } },
    );
  }
}

/** The process that listens on a port, where lsof or ss can tell: another user's often stays unknown. */
export async function holderOf(port: number): Promise<{ pid: number; name: string } | undefined> {
  const lsof = await output('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const [, pid, name] = /^p(\d+)\n(?:[^c].*\n)*c(.+)$/m.exec(lsof) ?? [];
  if (pid !== undefined && name !== undefined) return { pid: Number(pid), name };
  const ss = await output('ss', ['-ltnpH', `sport = :${port}`]);
  const [, command, id] = /users:\(\("([^"]+)",pid=(\d+)/.exec(ss) ?? [];
  return command === undefined ? undefined : { pid: Number(id), name: command };
}

async function output(program: string, args: string[]): Promise<string> {
  try {
    return (await run(program, args, { timeout: 5000 })).stdout;
  } catch {
    return ''; // not installed, or nothing found
  }
}
