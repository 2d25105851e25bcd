import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const known = new Map<string, string>();

/** The installed versions of packages, by name: they are part of the cache keys of the stages they shape. */
export function libraryVersions(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

function versionOf(name: string): string {
  const version = known.get(name) ?? findVersion(name);
  known.set(name, version);
  return version;
}

/** Packages need not export their package.json, so it is looked for on the paths that resolve them. */
function findVersion(name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const text = readFileSync(join(folder, name, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`${name} is not installed beside ${dirname(import.meta.url)}`);
}
