/** Splits a float64 into halves whose products are exact. */
const SPLITTER = 2 ** 27 + 1;

/** Bounds, as a share of the value, what rounding may have done to the remainders below; true errors are less by far. */
const MARGIN = 2 ** -98;
const WIDE_MARGIN = 2 ** -88;

/** A share of a float64 that, added, gives the next one. */
const NEXT = 2 ** -53 * (1 + 2 ** -52);

/** Powers of ten that a float64 holds. */
export const POWERS = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/**
 * Reads a decimal of more digits than a float64 holds, (head · 10^more + tail) / 10^fraction, without text:
 * the division is done in two float64s, and where their error leaves open which way to round, it says so.
 * What is found stays in the fields until the next.
 * @see Dekker, "A floating-point technique for extending the available precision"; Ziv's rounding test
 */
export class LongDecimal {
  /** The nearest float64. */
  value = 0;
  /** What the decimal is more than that. */
  #rest = 0;

  /**
   * @param head a whole number above 0 and below 2^53
   * @param tail one below 10^more
   * @param more 0 to 15
   * @param fraction 0 to 22
   * @returns whether `value` is certain
   */
  read(head: number, tail: number, more: number, fraction: number): boolean {
    const divisor = POWERS[fraction]!;
    // The digits as high + low, exactly but for less than the margin.
    const scaled = head * POWERS[more]!;
    const high = scaled + tail;
    const low = productError(head, POWERS[more]!, scaled) + (tail - (high - scaled));
    const quotient = high / divisor;
    const product = quotient * divisor;
    const error = productError(quotient, divisor, product);
    const correction = (high - product - error + low) / divisor;
    const margin = quotient * MARGIN;
    this.value = quotient + (correction - margin);
    this.#rest = quotient - this.value + correction;
    return this.value === quotient + (correction + margin);
  }

  /**
   * Whether the decimal read is the one ECMAScript prints for its value: no shorter one rounds to the value,
   * and none as long is nearer. False where that is too close to tell.
   * @param last its last digit, not 0
   * @param fraction digits after its point
   */
  isPrinted(last: number, fraction: number): boolean {
    const { value } = this;
    const rest = this.#rest;
    const unit = 1 / POWERS[fraction]!;
    const gap = value + value * NEXT - value;
    if (value - (value - value * NEXT) !== gap) return false; // at a power of two gaps differ
    const margin = value * WIDE_MARGIN;
    if (Math.abs(rest) > unit / 2 - margin) return false;
    const reach = gap / 2 + margin;
    return Math.abs(rest - last * unit) > reach && Math.abs(rest + (10 - last) * unit) > reach;
  }
}

/** What a product lacks of the exact one. */
function productError(a: number, b: number, product: number): number {
  const splitA = SPLITTER * a;
  const highA = splitA - (splitA - a);
  const lowA = a - highA;
  const splitB = SPLITTER * b;
  const highB = splitB - (splitB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}
