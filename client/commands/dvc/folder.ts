import { constants, existsSync } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { say } from '../../print.ts';
import { writeWhole } from '../../write-whole.ts';
import { Conflict, messageOf, SetupError } from '../../../contract/failures.ts';
import { withFileLock } from '../../../store/file-lock.ts';
import { sha256 } from '../../../store/hash.ts';

/** The file that lists what an export wrote, so that edited files can be found. DVC does not read it. */
export const RECEIPT = '.dvc/export.json';

const receiptSchema = z.object({
  schema: z.literal(1),
  /** SHA-256 of each exported file, by path. */
  files: z.record(z.string(), z.string()),
});

/**
 * The files whose content an export would lose: no earlier export wrote it, and this one does not contain it.
 * A file that this export only extends is not one of them, such as the empty .dvc/config of `dvc init`.
 */
async function listEditedFiles(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<string[]> {
  const exported = await readReceipt(folder);
  const edited: string[] = [];
  for (const [path, content] of files) {
    const present = await readIfThere(join(folder, path));
    if (present === undefined || content.startsWith(present.trimEnd())) continue;
    if (sha256(present) !== exported[path]) edited.push(path);
  }
  return edited;
}

/** Makes the folder if it is missing, and runs `work` while no other export writes into it. */
export async function lockFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw unusable(folder, 'made a folder', error);
  }
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw unusable(folder, 'written into', error);
  }
  return withFileLock(join(folder, '.export.lock'), work, (pid) =>
    say(`process ${pid} exports into ${folder}: waiting for it`),
  );
}

/**
 * Writes the files into the folder, each whole or not at all, and the receipt last.
 * @throws Conflict when files there were edited by hand, unless `force`; SetupError when it cannot write
 */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
  { force, about }: { force: boolean; about: Record<string, unknown> },
): Promise<void> {
  const edited = force ? [] : await listEditedFiles(folder, files);
  if (edited.length > 0)
    throw new Conflict(
      `${folder} has files that no export wrote (${edited.join(', ')}): keep a copy elsewhere, then overwrite with --force, or choose another folder with --out`,
      { details: { files: edited } },
    );
  const hashes = Object.fromEntries([...files].map(([path, content]) => [path, sha256(content)]));
  const receipt = `${JSON.stringify({ schema: 1, ...about, files: hashes }, null, 2)}\n`;
  for (const [path, content] of [...files, [RECEIPT, receipt] as const])
    await writeWhole(join(folder, path), content).catch((error: unknown) => {
      throw unusable(join(folder, path), 'written', error);
    });
}

/** Whether the folder is inside a git repository (a worktree's `.git` is a file). */
export function isInGit(folder: string): boolean {
  const here = resolve(folder);
  const above = dirname(here);
  return existsSync(join(here, '.git')) || (above !== here && isInGit(above));
}

/** The text of a file; undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, 'read', error);
  }
}

async function readReceipt(folder: string): Promise<Partial<Record<string, string>>> {
  try {
    const text = await readIfThere(join(folder, RECEIPT));
    return receiptSchema.parse(JSON.parse(text ?? '')).files;
  } catch (error) {
    if (error instanceof SetupError) throw error;
    return {}; // no receipt, or not one of ours: every file that differs counts as edited
  }
}

function unusable(path: string, done: string, error: unknown): SetupError {
  return new SetupError(
    `${path} cannot be ${done} (${messageOf(error)}): choose a folder of yours with --out`,
    { cause: error },
  );
}
