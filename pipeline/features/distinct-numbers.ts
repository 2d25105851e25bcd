import type { NumberTally } from './number-tally.ts';

/** Whole numbers from -SMALL up to SMALL have a slot of their own each. */
const SMALL = 1 << 12;

/** Counts numbers of which no more than so many differ. */
export class DistinctNumbers {
  readonly #limit: number;
  readonly #values: Float64Array;
  readonly #counts: Float64Array;
  /** One more than the number of the value, 0 where the slot is free; the small whole numbers' come first. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #bits = new Float64Array(1);
  readonly #halves = new Int32Array(this.#bits.buffer);
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#values = new Float64Array(limit);
    this.#counts = new Float64Array(limit);
    this.#slots = new Int32Array(2 * SMALL + 2 ** Math.ceil(Math.log2(2 * limit + 1)));
    this.#mask = this.#slots.length - 2 * SMALL - 1;
  }

  /** Counts a number that is not NaN; false when it is one too many, and nothing more can be told. */
  add(value: number): boolean {
    const found = this.#find(value);
    if (found >= 0) {
      this.#counts[found]!++;
      return true;
    }
    if (this.#size === this.#limit) return false;
    this.#values[this.#size] = value;
    this.#counts[this.#size] = 1;
    this.#slots[~found] = ++this.#size;
    return true;
  }

  /** How often each occurs, in ascending order. */
  tally(): NumberTally {
    const distinct = this.#values.slice(0, this.#size).sort();
    return { distinct, times: distinct.map((value) => this.#counts[this.#find(value)]!) };
  }

  /** The number of a value, or the complement of the slot it would have. */
  #find(value: number): number {
    const slots = this.#slots;
    const whole = value | 0;
    if (whole === value && whole >= -SMALL && whole < SMALL) {
      const number = slots[whole + SMALL]! - 1;
      return number < 0 ? ~(whole + SMALL) : number;
    }
    const mask = this.#mask;
    this.#bits[0] = value;
    let hash = Math.imul(this.#halves[0]! ^ Math.imul(this.#halves[1]!, 0x9e37_79b1), 0x85eb_ca6b);
    hash ^= hash >>> 15;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = 2 * SMALL + at;
      const number = slots[slot]! - 1;
      if (number < 0) return ~slot;
      if (this.#values[number] === value) return number;
    }
  }
}
