import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished, vi } from 'vitest';

/** Replaces a function of node:fs/promises for all modules, until the test ends. */
export function changeFs<K extends 'open' | 'rm'>(
  name: K,
  change: (original: (typeof fs)[K]) => (typeof fs)[K],
): void {
  const original = fs[name];
  const set = (changed: (typeof fs)[K]): void => {
    fs[name] = changed;
    syncBuiltinESMExports();
  };
  set(change(original));
  onTestFinished(() => set(original));
}

type Read = (...asked: [Uint8Array, number, number, number]) => Promise<{ bytesRead: number }>;

/** Before each read of a file calls `change`, which returns how many of the bytes that are asked for it reads. */
export async function changeReads(change: (asked: number) => number): Promise<void> {
  const file = await fs.open(import.meta.filename);
  await file.close();
  // The class of open files, which Node does not export.
  const shared = Object.getPrototypeOf(file) as { read: Read };
  const { read } = shared;
  const spy = vi.spyOn(shared, 'read').mockImplementation(function (
    this: FileHandle,
    bytes,
    at,
    length,
    position,
  ) {
    return read.call(this, bytes, at, change(length), position);
  });
  onTestFinished(() => spy.mockRestore());
}
