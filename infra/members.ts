import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { identityOf } from '../store/process-identity.ts';
import type { PartName } from './types.ts';

const run = promisify(execFile);

/** Variables every process of a part carries, and its children inherit: the stack's folder, the part. */
export const STACK_MARK = 'RETRAIN_STACK_DIR';
export const PART_MARK = 'RETRAIN_STACK_PART';

/**
 * The live processes of a part, found by their marks: also children that outlived their parent, and
 * a process whose pid file was lost.
 */
export async function membersOf(dir: string, part: PartName): Promise<number[]> {
  const marks = [`${STACK_MARK}=${dir}`, `${PART_MARK}=${part}`];
  const pids = process.platform === 'linux' ? fromProc(marks) : await fromPs(marks);
  return pids.filter((pid) => pid !== process.pid && identityOf(pid) !== undefined);
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
