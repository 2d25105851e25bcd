import { BadParams, MissingHistory } from '../../contract/failures.ts';

/** Counts the batches that a source of `rows` rows makes; the last one may be short. */
export function countBatches(rows: number, batchSize: number): number {
  return Math.ceil(rows / batchSize);
}

/**
 * Checks that a source of `rows` rows has this batch.
 * @throws BadParams when `batch` is not a whole number from 1
 * @throws MissingHistory when the source ends before that batch
 */
export function checkBatch(batch: number, rows: number, batchSize: number): void {
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new BadParams(`batch ${batch} is not a batch number: give a whole number from 1 on`);
  }
  const count = countBatches(rows, batchSize);
  if (batch > count) {
    throw new MissingHistory(
      `batch ${batch} does not exist: the source has ${plural(rows, 'row')}, which make ` +
        `${plural(count, 'batch', 'batches')} of ${batchSize}`,
      { details: { batch, rows, batches: count } },
    );
  }
}

/**
 * Checks that a table that has grown has this batch.
 * @param rows of the whole table
 * @param batches that these rows make, and the earlier states of the table
 * @throws MissingHistory when the table ends before that batch
 */
export function checkGrownBatch(batch: number, rows: number, batches: number): void {
  if (batch <= batches) return;
  throw new MissingHistory(
    `batch ${batch} does not exist: the ${rows} rows of the source make ${batches} batches so far; run one of these, or add rows to the source`,
    { details: { batch, rows, batches } },
  );
}

/**
 * Checks that a source of files has the file of this batch.
 * @throws MissingHistory when there are fewer files
 */
export function checkArrivedBatch(pipeline: string, batch: number, files: number): void {
  if (batch <= files) return;
  throw new MissingHistory(
    `batch ${batch} of ${pipeline} has not arrived: its source has files up to batch ${files}; add a file, or run an earlier batch`,
  );
}

/** Finds the place of every row in the order in which batches are cut. Null means the order of the file. */
export function findPlaces(rows: number, seed: number | null): Uint32Array | null {
  if (seed === null) return null;
  const places = permuteRows(rows, seed);
  invertPermutation(places);
  return places;
}

/**
 * Returns the order in which the rows of a source are cut into batches: a permutation of 0..n-1 that depends on `n`
 * and `seed` alone. This order must never change, because batches that are not cut yet depend on it.
 *
 * The shuffle is Fisher–Yates, from the last place down. Its bounded integers come from xoshiro128** by rejection,
 * which has no bias. The four words of state are the first four outputs of splitmix32 for the seed.
 * @param n number of rows, below 2^32
 * @param seed an unsigned 32-bit integer, or null for the file's own order
 */
export function permuteRows(n: number, seed: number | null): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  if (seed === null) return order;
  const next = makeXoshiro128(seed);
  for (let i = n - 1; i > 0; i--) {
    const j = drawBelow(i + 1, next);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Draws a uniform integer in 0..bound-1. Draws past the last whole multiple of the bound are rejected. */
function drawBelow(bound: number, next: () => number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const draw = next();
    if (draw < limit) return draw % bound;
  }
}

/** Makes a generator of unsigned 32-bit integers: xoshiro128** of Blackman and Vigna. */
function makeXoshiro128(seed: number): () => number {
  const seeds = makeSplitmix32(seed);
  let a = seeds();
  let b = seeds();
  let c = seeds();
  let d = seeds();
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
}

/** Makes a generator of the words of state. It never returns four zeros in a row, a state that xoshiro cannot leave. */
function makeSplitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Inverts a permutation of fewer than 2^31 places in place. */
export function invertPermutation(order: Uint32Array): void {
  const DONE = 0x8000_0000; // marks a place that has its final value
  for (let start = 0; start < order.length; start++) {
    if (order[start]! < DONE) {
      let place = start;
      let row = order[start]!;
      while (order[row]! < DONE) {
        const next = order[row]!;
        order[row] = (place | DONE) >>> 0;
        place = row;
        row = next;
      }
    }
    order[start] = order[start]! & ~DONE;
  }
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
