import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from '../contract/failures.ts';
import { processIdentity } from '../store/process-identity.ts';
import type { PartName } from './report.ts';

/** A process as its pid file describes it. */
export interface ProcessRecord {
  pid: number;
  /** Distinguishes it from a later process with the same pid. */
  identity: string;
  /** ISO 8601. */
  since: string;
  /** Hash of the settings it was started with. When they change, the part is started again. */
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

/** The file that receives a part's output. */
export function logFile(dir: string, part: PartName): string {
  return join(dir, 'logs', `${part}.log`);
}

/** The files and folders that a part makes are for the owner of the stack alone: they hold data and keys. */
const OWNER_ALONE = 0o077;

/** Starts a process that outlives this one, in its own process group and session, and writes its pid file. */
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
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  rotate(logFile(dir, part));
  const fd = openSync(logFile(dir, part), 'a', 0o600);
  try {
    const before = process.umask(OWNER_ALONE); // the program inherits it
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd,
        env: { ...env, [STACK_MARK]: dir, [PART_MARK]: part },
        detached: true,
        stdio: ['ignore', fd, fd],
      });
    } finally {
      process.umask(before);
    }
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    const since = new Date().toISOString();
    const record = { pid, identity: processIdentity(pid) ?? 'gone', since, fingerprint };
    writeFileSync(`${pidFile(dir, part)}.new`, JSON.stringify(record), { mode: 0o600 });
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

/** The process in a part's pid file, if it still runs. A later process with the same pid does not count. */
export function findProcess(dir: string, part: PartName): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(pidFile(dir, part), 'utf8')) as ProcessRecord;
    return processIdentity(record.pid) === record.identity ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Deletes a part's pid file. */
export function removePidFile(dir: string, part: PartName): void {
  rmSync(pidFile(dir, part), { force: true });
}

const run = promisify(execFile);

/** Environment variables of every process of a part and of its children: the stack's folder, the part. */
const STACK_MARK = 'RETRAIN_STACK_DIR';
const PART_MARK = 'RETRAIN_STACK_PART';

/**
 * The running processes of a part, found by their environment variables. The result includes children
 * that outlived their parent and a process whose pid file was lost.
 */
export async function listMembers(dir: string, part: PartName): Promise<number[]> {
  const marks = [`${STACK_MARK}=${dir}`, `${PART_MARK}=${part}`];
  const pids = process.platform === 'linux' ? fromProc(marks) : await fromPs(marks);
  return pids.filter((pid) => pid !== process.pid && processIdentity(pid) !== undefined);
}

function fromProc(marks: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        return marks.every((mark) => variables.includes(mark));
      } catch {
        return false; // gone, or another user's
      }
    })
    .map(Number);
}

async function fromPs(marks: string[]): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-E', '-ww', '-o', 'pid=', '-o', 'command='], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout
    .split('\n')
    .filter((line) => marks.every((mark) => `${line} `.includes(` ${mark} `)))
    .map((line) => Number.parseInt(line, 10));
}

const KEEP_BYTES = 20 * 1024 * 1024;

/** Renames a log larger than 20 MB to `<file>.1`. Call it while no process writes to the log. */
function rotate(file: string): void {
  try {
    if (statSync(file).size > KEEP_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // no log yet
  }
}

/** The most bytes of a log's end that are searched for its last lines. */
const LONGEST_TAIL = 1 << 26;

/** The last non-empty lines of a log, at most `count`; empty when there is no log. */
export function lastLines(file: string, count = 8): string[] {
  const { lines, rest } = readTail(file, count);
  return [...lines, rest].filter((line) => line.trim() !== '').slice(-count);
}

/**
 * Reads the last whole lines of a log that are not empty, at most `count`.
 * @returns the lines, the beginning of a line that is not whole yet, and the offset at which that line begins
 */
export function readTail(
  file: string,
  count: number,
): { lines: string[]; rest: string; end: number } {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return { lines: [], rest: '', end: 0 };
  }
  try {
    const { size } = fstatSync(fd);
    for (let length = 16_384; ; length *= 2) {
      const tail = Buffer.alloc(Math.min(size, length));
      readSync(fd, tail, 0, tail.length, size - tail.length);
      const whole = tail.lastIndexOf('\n') + 1;
      const all = tail.toString('utf8', 0, whole).split(/\r?\n/);
      // The first line began before the tail.
      const lines = (tail.length < size ? all.slice(1) : all).filter((line) => line.trim() !== '');
      if (lines.length < count && tail.length < size && length < LONGEST_TAIL) continue;
      const end = size - tail.length + whole;
      return { lines: lines.slice(-count), rest: tail.toString('utf8', whole), end };
    }
  } finally {
    closeSync(fd);
  }
}

/** "its log … ends with:" and the last lines, as the end of an error message. */
export function quoteLog(file: string): string {
  const lines = lastLines(file);
  if (lines.length === 0) return `its log ${file} is empty`;
  return `its log ${file} ends with:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}
