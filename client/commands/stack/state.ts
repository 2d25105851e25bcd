import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { Config } from '../../../config/environment.ts';
import { stackDir } from '../../../config/project-root.ts';
import { BadParams, SetupError } from '../../../contract/failures.ts';
import {
  hasData,
  packFolder,
  placeDatabases,
  removeData,
  saveDatabase,
  unpackInto,
} from '../../../infra/backup.ts';
import { stackDown, stackStatus, stackUp } from '../../../infra/stack.ts';
import { newOwnFolder } from '../../../store/own-folder.ts';
import { dumpBucket, loadDump, readDump } from '../../../store/dump.ts';
import { openStore } from '../../../store/index.ts';
import { EXIT } from '../../context.ts';
import { print, printJson, say } from '../../print.ts';
import { RETRAIN } from '../../../contract/command.ts';

/** The options of the commands on the state of the stack. */
export interface StateOptions {
  root: string;
  /** Reads params.yaml and the environment, completed by the stack as it is at that time. */
  configure: () => Promise<Config>;
  json?: boolean | undefined;
  /** Do not ask first. */
  yes?: boolean | undefined;
}

/**
 * `stack backup FILE`: writes the whole state of a running stack into one file. The parts are read in an order
 * that keeps them consistent: runs that are newer than Temporal's copy find their stages in the cache, and MLflow
 * runs that are in no document are found by their tags.
 */
export async function backup(
  file: string,
  { root, configure, json }: StateOptions,
): Promise<number> {
  const dir = stackDir(root);
  const path = resolve(file);
  const store = openStore((await configure()).storage);
  const folder = await newOwnFolder(dir, 'backup');
  try {
    await store.bucket.ensure();
    say('reading Temporal, the documents, MLflow and the artifacts');
    await saveDatabase(dir, folder, 'temporal');
    const dump = await dumpBucket(store.bucket, folder, () => saveDatabase(dir, folder, 'mlflow'));
    say(`packing ${dump.objects.length} objects`);
    await packFolder(dir, folder, path);
    if (json === true) printJson({ file: path, objects: dump.objects.length });
    else print(path);
    return 0;
  } finally {
    store.bucket.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `stack restore FILE`: replaces the state of a stopped stack by a backup, and keeps the old databases. */
export async function restore(
  file: string,
  { root, configure, json, yes }: StateOptions,
): Promise<number> {
  const path = resolve(file);
  if (!existsSync(path)) throw new BadParams(`there is no file ${path}: give the path of a backup`);
  const dir = stackDir(root);
  await refuseRunning(root, dir);
  if (hasData(dir) && !(await confirm(yes, `${dir} holds data: replace it by the backup?`)))
    return EXIT.failed;
  const report = ({ line }: { line: string }): void => say(line);
  const up = { root, dir, report, worker: false };
  const folder = await newOwnFolder(dir, 'restore');
  try {
    await unpackInto(dir, path, folder);
    const dump = await readDump(folder);
    placeDatabases(dir, folder);
    await stackUp(up);
    const { storage } = await configure();
    const { bucket } = openStore({ ...storage, bucket: dump.bucket });
    say(`writing ${dump.objects.length} objects`);
    await loadDump(bucket, folder, dump);
    bucket.close();
    await stackDown({ root, dir, report });
    if (json === true) printJson({ bucket: dump.bucket, objects: dump.objects.length });
    else print(`restored; continue with: ${RETRAIN} stack up`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `stack reset`: stops the stack and removes everything it has stored; the installed programs stay. */
export async function reset({ root, json, yes }: StateOptions): Promise<number> {
  const dir = stackDir(root);
  const question = `remove every run, artifact and history in ${dir}?`;
  if (!(await confirm(yes, question))) return EXIT.failed;
  await stackDown({ root, dir, report: ({ line }) => say(line) });
  removeData(dir);
  if (json === true) printJson({ removed: dir });
  else print(`${dir} is empty; "${RETRAIN} stack up" starts a new stack`);
  return 0;
}

async function refuseRunning(root: string, dir: string): Promise<void> {
  const running = (await stackStatus({ root, dir })).filter(({ pid }) => pid !== undefined);
  if (running.length > 0)
    throw new SetupError(`the stack is running: stop it first with "${RETRAIN} stack down"`);
}

/**
 * Asks the person at the terminal.
 * @throws BadParams where there is no terminal
 */
async function confirm(yes: boolean | undefined, question: string): Promise<boolean> {
  if (yes === true) return true;
  if (!process.stdin.isTTY)
    throw new BadParams(`${question} there is no terminal to ask on: add --yes to do it`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
