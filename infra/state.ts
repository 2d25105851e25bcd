import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../contract/failures.ts';
import type { Ports } from './ports.ts';
import type { S3Kind } from './types.ts';

/** What a stack wrote of itself into `stack.json`, for `down`, `status` and clients to find it. */
export interface StackState {
  schema: 1;
  root: string;
  /** Folder of Python environments. */
  venv: string;
  s3: S3Kind;
  ports: Ports;
  /** Whether MLflow is one of its parts; absent: it is. */
  mlflow?: boolean;
  /** Ports of the servers' inner workings, chosen when first started. */
  inner: Record<string, number>;
}

const stateFile = (dir: string): string => join(dir, 'stack.json');

/**
 * The state of the stack in `dir`; undefined when none was ever started there.
 * @throws SetupError when the file is not one this version can read.
 */
export function readState(dir: string): StackState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(dir), 'utf8');
  } catch {
    return undefined;
  }
  try {
    const state = JSON.parse(text) as StackState;
    if (state.schema === 1) return state;
  } catch {
    // not JSON: said below
  }
  throw new SetupError(
    `${stateFile(dir)} is not a stack's description: delete it and start the stack again, which keeps its data`,
  );
}

/** Writes the state whole or not at all. */
export function writeState(dir: string, state: StackState): void {
  const text = `${JSON.stringify(state, null, 2)}\n`;
  writeFileSync(`${stateFile(dir)}.new`, text);
  renameSync(`${stateFile(dir)}.new`, stateFile(dir));
}
