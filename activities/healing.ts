import type { CacheEntry } from '../store/stage-cache.ts';
import { isDirectory } from '../contract/ref.ts';
import type { Healed } from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import type { Execution } from '../contract/execution.ts';

/** What this very run has found gone and made again, or was about to when a try before this one died. */
export function healedBy({ runId }: Execution, entry: CacheEntry | undefined): Healed[] {
  const { run, objects = [] } = entry?.healed ?? {};
  return run?.run_id === runId ? [...objects] : [];
}

/** What the cache entry of a stage says of objects that this run makes again; nothing where there are none. */
export function healedNow(
  run: CacheEntry['producer'],
  objects: Healed[],
): Pick<CacheEntry, 'healed'> {
  return objects.length > 0 ? { healed: { run, objects } } : {};
}

/** Adds what is not in the list yet. */
export function addHealed(healed: Healed[], more: readonly Healed[]): void {
  for (const { path, md5 } of more)
    if (!healed.some((known) => known.md5 === md5)) healed.push({ path, md5 });
}

/** Whether a damaged object is among the outputs, or the files of a directory among them. */
export async function touches(
  deps: Deps,
  entry: CacheEntry,
  damaged: readonly string[],
): Promise<boolean> {
  if (damaged.length === 0) return false;
  const passedOn = new Set(Object.values(entry.inputs).map(({ md5 }) => md5));
  for (const ref of Object.values(entry.outputs)) {
    // What it only passes on is its maker's to make again.
    if (passedOn.has(ref.md5)) continue;
    if (damaged.includes(ref.md5)) return true;
    if (!isDirectory(ref)) continue;
    const files = await deps.store.artifacts.list(ref);
    if (files.some(({ md5 }) => damaged.includes(md5))) return true;
  }
  return false;
}
