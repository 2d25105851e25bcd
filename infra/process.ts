import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from '../contract/failures.ts';
import { identityOf } from '../store/process-identity.ts';
import { rotate } from './log.ts';
import { PART_MARK, STACK_MARK } from './members.ts';
import type { PartName } from './types.ts';

/** A process as its pid file describes it. */
export interface ProcessRecord {
  pid: number;
  /** Tells it from a later process with the same pid. */
  identity: string;
  /** ISO 8601. */
  since: string;
  /** Hash of what it was started with: another means it has to be started anew. */
  fingerprint: string;
}

export interface Launch {
  dir: string;
  part: PartName;
  command: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  fingerprint: string;
}

const pidFile = (dir: string, part: PartName): string => join(dir, 'run', `${part}.json`);

/** Where a part's output goes. */
export function logFile(dir: string, part: PartName): string {
  return join(dir, 'logs', `${part}.log`);
}

/** Starts a process that outlives this one, in a group and session of its own, and records it. */
export async function launch({
  dir,
  part,
  command,
  cwd,
  env,
  fingerprint,
}: Launch): Promise<ProcessRecord> {
  const [program = '', ...args] = command;
  for (const folder of [cwd, dirname(pidFile(dir, part)), dirname(logFile(dir, part))]) {
    mkdirSync(folder, { recursive: true });
  }
  rotate(logFile(dir, part));
  const fd = openSync(logFile(dir, part), 'a', 0o600);
  try {
    const child = spawn(program, args, {
      cwd,
      env: { ...env, [STACK_MARK]: dir, [PART_MARK]: part },
      detached: true,
      stdio: ['ignore', fd, fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    const since = new Date().toISOString();
    const record = { pid, identity: identityOf(pid) ?? 'gone', since, fingerprint };
    writeFileSync(`${pidFile(dir, part)}.new`, JSON.stringify(record));
    renameSync(`${pidFile(dir, part)}.new`, pidFile(dir, part));
    return record;
  } catch (error) {
    throw new SetupError(
      `${program}, which ${part} needs, does not run: check that it is a program for this machine, or delete it with its folder and start again`,
      {
        cause: error,
      },
    );
  } finally {
    closeSync(fd);
  }
}

/** The process a part's pid file names, if it still lives: a recycled pid is not taken for it. */
export function liveProcess(dir: string, part: PartName): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(pidFile(dir, part), 'utf8')) as ProcessRecord;
    return identityOf(record.pid) === record.identity ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Forgets a part's process. */
export function forget(dir: string, part: PartName): void {
  rmSync(pidFile(dir, part), { force: true });
}
