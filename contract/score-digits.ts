/**
 * A score as people read it: four decimals, and where those would show nothing or far too much, as of errors
 * in a very small or a very large unit, five digits.
 */
export function scoreDigits(value: number): string {
  const size = Math.abs(value);
  const isPlain = size === 0 || (size >= 0.001 && size < 1e6);
  return isPlain ? value.toFixed(4) : value.toPrecision(5);
}
