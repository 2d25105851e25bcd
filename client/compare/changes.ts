import { canonicalJson } from '../../contract/canonical-json.ts';
import { byCodePoint } from '../../contract/codepoints.ts';
import { flatten } from './flatten.ts';

/** A value on both sides; null where a side has none. */
export interface Change {
  old: unknown;
  new: unknown;
  /** New less old, where both are numbers. */
  diff?: number;
}

/** What differs, by name in code-point order; nothing for two sides that are the same. */
export type Changes = Record<string, Change>;

/** The values that differ between two nested documents, by dotted name. */
export function changesOf(before: unknown, after: unknown): Changes {
  const [old, now] = [flatten(before), flatten(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort(byCodePoint);
  return Object.fromEntries(
    names
      .map((name) => [name, changeOf(old[name], now[name])] as const)
      .filter((entry): entry is readonly [string, Change] => entry[1] !== undefined),
  );
}

/** One value on both sides; undefined where it is the same. */
export function changeOf(before: unknown, after: unknown): Change | undefined {
  const [old, now] = [before ?? null, after ?? null];
  if (canonicalJson(old) === canonicalJson(now)) return undefined;
  const change = { old, new: now };
  return typeof old === 'number' && typeof now === 'number'
    ? { ...change, diff: now - old }
    : change;
}
