import { byCodePoint } from './codepoints.ts';

/**
 * A value as JSON that is the same on every machine, so that its hash identifies the value. Object keys are in
 * code-point order; keys that are whole numbers come first, by size, as in ECMAScript. There is no white space.
 * A number is the shortest text that reads back as the same float64. Undefined fields are left out.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(inOrder(value));
}

/** Whether a value is an object of JSON: no array and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value with the keys of every object in order; arrays without objects, which may be long, are not copied. */
function inOrder(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (!Array.isArray(value)) {
    if ('toJSON' in value && typeof value.toJSON === 'function') return inOrder(value.toJSON());
    const entries = Object.entries(value).sort(([a], [b]) => byCodePoint(a, b));
    return Object.fromEntries(entries.map(([key, field]) => [key, inOrder(field)]));
  }
  let copy: unknown[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const ordered = inOrder(value[i]);
    if (ordered === value[i] && copy === undefined) continue;
    copy ??= value.slice(0, i) as unknown[];
    copy[i] = ordered;
  }
  return copy ?? value;
}
