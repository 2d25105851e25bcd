import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished } from 'vitest';

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
