import { canonicalJson, isObject } from '../../contract/canonical-json.ts';
import { byCodePoint } from '../../contract/codepoints.ts';

/** A value on both sides; null where a side has none. */
export interface Change {
  old: unknown;
  new: unknown;
  /** New minus old, where both are numbers. */
  diff?: number;
}

/** The values that differ, by name in code-point order. Empty if both sides are the same. */
export type Changes = Record<string, Change>;

/** The values that differ between two nested documents, by dotted name. */
export function compareDocuments(before: unknown, after: unknown): Changes {
  const [old, now] = [flatten(before), flatten(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort(byCodePoint);
  return Object.fromEntries(
    names
      .map((name) => [name, compareValues(old[name], now[name])] as const)
      .filter((entry): entry is readonly [string, Change] => entry[1] !== undefined),
  );
}

/** The change of one value; undefined where it is the same on both sides. */
export function compareValues(before: unknown, after: unknown): Change | undefined {
  const [old, now] = [before ?? null, after ?? null];
  if (canonicalJson(old) === canonicalJson(now)) return undefined;
  const change = { old, new: now };
  return typeof old === 'number' && typeof now === 'number'
    ? { ...change, diff: now - old }
    : change;
}

/**
 * The values of nested sections by dotted name, as DVC flattens them: lists are values, and a section
 * without values has no name.
 */
export function flatten(value: unknown, prefix = ''): Record<string, unknown> {
  if (!isObject(value)) return prefix === '' ? {} : { [prefix]: value };
  return Object.assign(
    {},
    ...Object.entries(value).map(([name, inner]) =>
      flatten(inner, prefix === '' ? name : `${prefix}.${name}`),
    ),
  ) as Record<string, unknown>;
}
