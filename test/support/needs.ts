import { existsSync } from 'node:fs';

declare module 'vitest' {
  interface TaskMeta {
    /** Why a test or a suite is left out on this machine. */
    leftOut?: string;
  }
}

/**
 * Options of a test or a suite that not every machine can run.
 * @param missing what the machine lacks, in a clause; undefined where it has all that is needed
 */
export function needs(missing: string | undefined): {
  skip: boolean;
  meta: { leftOut?: string };
} {
  return missing === undefined
    ? { skip: false, meta: {} }
    : { skip: true, meta: { leftOut: missing } };
}

export const needsProc = needs(existsSync('/proc/self') ? undefined : 'this system has no /proc');
