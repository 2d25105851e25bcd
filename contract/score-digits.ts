/**
 * A score as text, with four decimals. Very small and very large values have five significant digits instead,
 * because four decimals would show too few or too many digits.
 */
export function formatScore(value: number): string {
  const size = Math.abs(value);
  const isPlain = size === 0 || (size >= 0.001 && size < 1e6);
  return isPlain ? value.toFixed(4) : value.toPrecision(5);
}
