import { byCodePoint } from './codepoints.ts';

/**
 * A value as JSON: object keys in code-point order (keys that are whole
 * numbers first, by size, as ECMAScript orders them), no white space, numbers as ECMAScript prints them
 * (the shortest text that reads back as the same float64). Equal values give equal text on every
 * machine, so that a hash of it is an identity. Fields that are undefined are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (field === null || typeof field !== 'object' || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => byCodePoint(a, b)));
  });
}
