import { mix } from '../../features/row-hash.ts';

/** The words of 512 fair coins. */
const WORDS = 16;

/** From this count on, the distribution of Poisson is near enough to the normal one. */
const MANY = 256;

/** 1/e. Powers of it are made by multiplication, which rounds in the same way on every machine. */
const INVERSE_E = 0.36787944117144233;

/**
 * Random numbers that are the same on every machine: sfc32 by Chris Doty-Humphrey
 * (https://pracrand.sourceforge.net), seeded by values.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;
  readonly #poisson = new Map<number, Float64Array>();

  constructor(values: Iterable<number>) {
    [this.#a, this.#b, this.#c] = hashValues(values);
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  /** The number of heads of so many fair coins. For many coins it is a number near it, from the normal distribution. */
  heads(coins: number): number {
    if (coins > 2 * MANY) return coins / 2 + (Math.sqrt(coins) / 2) * this.#normal();
    let heads = 0;
    for (let left = coins; left > 0; left -= 32)
      heads += countBits(left >= 32 ? this.word() : this.word() >>> (32 - left));
    return heads;
  }

  /**
   * A number of the Poisson distribution. For a large mean it is from the normal distribution, and not below 0.
   * @param mean a whole number
   */
  poisson(mean: number): number {
    if (mean > MANY) return Math.max(0, mean + Math.sqrt(mean) * this.#normal());
    let sums = this.#poisson.get(mean);
    if (sums === undefined) {
      sums = sumPoisson(mean);
      this.#poisson.set(mean, sums);
    }
    const share = this.word() / 2 ** 32;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (share < sums[middle]!) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Near the standard normal distribution: the heads of 512 coins. */
  #normal(): number {
    let heads = 0;
    for (let i = 0; i < WORDS; i++) heads += countBits(this.word());
    return (heads - 16 * WORDS) / Math.sqrt(8 * WORDS);
  }
}

/** The probabilities of at most 0, 1, 2, … events. */
function sumPoisson(mean: number): Float64Array {
  let term = 1;
  for (let i = 0; i < mean; i++) term *= INVERSE_E;
  const sums = new Float64Array(Math.ceil(mean + 10 * Math.sqrt(mean) + 10));
  let sum = 0;
  for (let i = 0; i < sums.length; i++) {
    sum += term;
    sums[i] = sum;
    term *= mean / (i + 1);
  }
  return sums;
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Three words that depend on every bit of the values. */
function hashValues(values: Iterable<number>): [number, number, number] {
  const bytes = new DataView(new ArrayBuffer(8));
  let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
  for (const value of values) {
    bytes.setFloat64(0, value, true);
    for (const word of [bytes.getUint32(0, true), bytes.getUint32(4, true)]) {
      a = mix(a ^ word);
      b = mix(b + a);
      c = mix(c ^ b);
    }
  }
  return [a, b, c];
}
