import { sha256 } from './hash.ts';

/**
 * JSON with object keys in code-point order and no white space: equal values give equal text on every
 * machine, so that a hash of it is an identity. Fields that are `undefined` are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (field === null || typeof field !== 'object' || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => compareCodePoints(a, b)));
  });
}

/** SHA-256 of the canonical JSON of a value. */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

/**
 * Order by Unicode code point, as Python sorts text. JavaScript's own order is by UTF-16 unit and puts
 * emoji before U+E000..U+FFFF.
 */
export function compareCodePoints(a: string, b: string): number {
  const as = a[Symbol.iterator]();
  const bs = b[Symbol.iterator]();
  for (;;) {
    const x = as.next();
    const y = bs.next();
    if (x.done === true || y.done === true)
      return Number(x.done !== true) - Number(y.done !== true);
    const difference = x.value.codePointAt(0)! - y.value.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
}
