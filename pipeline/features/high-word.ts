/** Bits of mantissa in the high word of a float64. */
export const HIGH_BITS = 20;
/** The high word of -0. */
export const SIGN = 0x8000_0000;
/** Which half of a float64 holds its high word on this machine. */
export const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/**
 * A high word as an unsigned integer that sorts as the floats do: the bits of positive ones ascend with their
 * value, those of negative ones descend. That of -0 is taken for 0.
 */
export function orderOf(word: number): number {
  if (word === SIGN) return SIGN;
  return (word < SIGN ? word ^ SIGN : ~word) >>> 0;
}

/** The high word that {@link orderOf} made an integer of. */
export function wordOf(order: number): number {
  return (order >= SIGN ? order ^ SIGN : ~order) >>> 0;
}
