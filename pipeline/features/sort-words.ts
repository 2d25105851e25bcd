const BITS = 11;
const BUCKETS = 1 << BITS;

/** Sorts unsigned integers in place: a radix sort by digits of 11 bits, those that all share being skipped. */
export function sortWords(words: Uint32Array): void {
  const starts = new Uint32Array(BUCKETS);
  let from: Uint32Array = words;
  let to: Uint32Array = new Uint32Array(words.length);
  for (let shift = 0; shift < 32; shift += BITS) {
    starts.fill(0);
    for (let i = 0; i < from.length; i++) starts[(from[i]! >>> shift) & (BUCKETS - 1)]!++;
    if (!placeBuckets(starts, from.length)) continue;
    for (let i = 0; i < from.length; i++) {
      const word = from[i]!;
      const digit = (word >>> shift) & (BUCKETS - 1);
      const at = starts[digit]!;
      starts[digit] = at + 1;
      to[at] = word;
    }
    [from, to] = [to, from];
  }
  if (from !== words) words.set(from);
}

/** Turns the sizes of buckets into where they start; false when one holds all. */
function placeBuckets(sizes: Uint32Array, total: number): boolean {
  let at = 0;
  for (let digit = 0; digit < BUCKETS; digit++) {
    const size = sizes[digit]!;
    if (size === total) return false;
    sizes[digit] = at;
    at += size;
  }
  return true;
}
