import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder with a space in its name, which is removed when the test ends. */
export function tempFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `retrain ${name} `));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
