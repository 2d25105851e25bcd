import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = [
  'contract',
  'workflows',
  'activities',
  'sources',
  'pipeline',
  'compute',
  'store',
  'tracking',
  'config',
  'worker',
];

/**
 * Changes when a source the worker runs changes (by name, size and time, which costs a few ms): a
 * worker started before a `git pull` would otherwise go on running yesterday's code.
 */
export function codeEdition(root: string): string {
  const files = readdirSync(root)
    .filter((name) => name.endsWith('.ts') || name === 'package-lock.json')
    .map((name) => join(root, name));
  for (const folder of SOURCES) files.push(...sourcesUnder(join(root, folder)));
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function sourcesUnder(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return []; // a project without that folder
  }
}
