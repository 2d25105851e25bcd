import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SetupError } from '../contract/failures.ts';
import { ensurePython } from './python.ts';
import { readStackState } from './stack-folder.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('./backup.py', import.meta.url));

/** The folders that hold a stack's data. Everything else is installed or generated again. */
const DATA = ['temporal', 'mlflow', 'seaweedfs', 'minio'];

/** Copies a server's database and files from the stack in `dir` into the folder `out`, while it runs. */
export async function saveDatabase(
  dir: string,
  out: string,
  part: 'temporal' | 'mlflow',
): Promise<void> {
  await python(dir, 'save', dir, out, part);
}

/** Packs a folder into one compressed file that only its owner can read. */
export async function packFolder(dir: string, folder: string, file: string): Promise<void> {
  await python(dir, 'pack', folder, file);
}

/** Unpacks a packed file into an empty folder. The file may come from a stranger. */
export async function unpackInto(dir: string, file: string, folder: string): Promise<void> {
  await python(dir, 'unpack', file, folder);
}

/** Whether the stack in `dir` holds anything that could be lost. */
export function hasData(dir: string): boolean {
  return DATA.some(
    (name) => existsSync(join(dir, name)) && readdirSync(join(dir, name)).length > 0,
  );
}

/** Replaces the data of a stopped stack by a saved copy. The old data is kept in a folder beside it. */
export function placeDatabases(dir: string, saved: string): void {
  if (hasData(dir)) {
    const aside = join(dir, `replaced-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
    mkdirSync(aside);
    for (const name of DATA)
      if (existsSync(join(dir, name))) renameSync(join(dir, name), join(aside, name));
  }
  for (const name of ['temporal', 'mlflow'])
    if (existsSync(join(saved, name))) renameSync(join(saved, name), join(dir, name));
}

/** Removes everything that a stopped stack has stored. Its settings and installed programs stay. */
export function removeData(dir: string): void {
  for (const name of [...DATA, 'logs']) rmSync(join(dir, name), { recursive: true, force: true });
}

async function python(dir: string, ...args: string[]): Promise<void> {
  const base = readStackState(dir)?.venv ?? join(dir, 'venv');
  const { python: interpreter } = await ensurePython(base, () => {});
  try {
    await run(interpreter, [program, ...args]);
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new SetupError(stderr.trim().split('\n').at(-1) ?? '', { cause: error });
  }
}
