/**
 * Compares two texts by Unicode code point, as Python and tools on UTF-8 sort them: negative, zero or positive.
 * JavaScript's own `<` compares UTF-16 units, which puts emoji before U+E000..U+FFFF. The two orders differ only
 * if one of the first units that differ is a surrogate.
 */
export function byCodePoint(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xHigh = isSurrogate(x);
    return xHigh === isSurrogate(y) ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}

/** Whether a UTF-16 unit is half of the pair that encodes a code point past U+FFFF. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
