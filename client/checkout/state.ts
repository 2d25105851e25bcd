import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSafePath } from '../../contract/ref.ts';

/** The folder in a working tree that holds what this tool remembers of it. */
const MEMORY = '.retrain';

const stateSchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  version: z.int(),
  /** Folders that checkouts have made. */
  folders: z.array(z.string().refine(isSafePath)),
  /** What checkouts have written, by path; size and time tell whether it needs to be read again. */
  files: z.record(
    z.string().refine(isSafePath),
    z.strictObject({ sha256: z.string(), size: z.number(), mtime_ms: z.number() }),
  ),
});

/** What checkouts have left in a working tree. */
export type CheckoutState = z.infer<typeof stateSchema>;

/**
 * What the last checkout into a folder left there. A state that is lost or cannot be read costs no
 * data: files are then ours only where the local cache knows their bytes, and none is removed.
 */
export async function readState(folder: string): Promise<CheckoutState | undefined> {
  try {
    const text = await readFile(stateFile(folder), 'utf8');
    return stateSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    const lost = (error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError;
    if (lost) return undefined;
    throw error;
  }
}

export async function writeState(folder: string, state: CheckoutState): Promise<void> {
  const half = `${stateFile(folder)}.${process.pid}.tmp`;
  await writeFile(half, `${JSON.stringify(state, null, 2)}\n`);
  await rename(half, stateFile(folder));
}

/** Makes the working tree and the folder of our memory in it, which no git repository should keep. */
export async function makeMemory(folder: string): Promise<void> {
  const memory = join(folder, MEMORY);
  await mkdir(memory, { recursive: true });
  await writeFile(join(memory, '.gitignore'), '*\n');
}

/** Held by the process that checks out into the folder. */
export function lockFile(folder: string): string {
  return join(folder, MEMORY, 'lock');
}

function stateFile(folder: string): string {
  return join(folder, MEMORY, 'checkout.json');
}
