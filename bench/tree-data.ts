import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** A table in columns. The classes 0, 1, 2 and the numbers to predict depend on its first four columns. */
export interface Table {
  readonly rows: number;
  readonly columns: readonly Float64Array[];
  readonly classes: Uint8Array;
  readonly numbers: Float64Array;
}

/** Share of rows with a random class, so that trees grow as deep as on real data. */
const NOISE = 0.1;

/** Uniform features; the targets follow x0 + x1·x2 + x3/2 and noise. The same for a seed on every machine. */
export function makeTable(rows: number, width: number, seed: number): Table {
  const random = generator(seed);
  const columns = Array.from({ length: width }, () => {
    // Shared memory, as in the pipeline, so that a second thread needs no copy.
    const column = new Float64Array(new SharedArrayBuffer(8 * rows));
    for (let row = 0; row < rows; row++) column[row] = random();
    return column;
  });
  const [a, b, c, d] = columns as [Float64Array, Float64Array, Float64Array, Float64Array];
  const classes = new Uint8Array(rows);
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const signal = a[row]! + b[row]! * c[row]! + d[row]! / 2;
    const isNoise = random() < NOISE;
    classes[row] = isNoise ? Math.floor(random() * 3) : signal < 0.8 ? 0 : signal < 1.2 ? 1 : 2;
    numbers[row] = signal + (random() + random() - 1) * 0.2;
  }
  return { rows, columns, classes, numbers };
}

/** Writes a table for Python as float64: all columns, then the classes, then the numbers. */
export function writeTable(file: string, { columns, classes, numbers }: Table): void {
  const handle = openSync(file, 'w');
  for (const column of [...columns, Float64Array.from(classes), numbers]) {
    const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
    // One call may write only a part.
    for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
  }
  closeSync(handle);
}

/** Reads a file of {@link writeTable}. */
export function readTable(file: string, rows: number, width: number): Table {
  const handle = openSync(file, 'r');
  const all = Array.from({ length: width + 2 }, () => {
    const column = new Float64Array(new SharedArrayBuffer(8 * rows));
    const bytes = new Uint8Array(column.buffer);
    for (let at = 0; at < bytes.length;) at += readSync(handle, bytes, at, bytes.length - at, null);
    return column;
  });
  closeSync(handle);
  const columns = all.slice(0, width);
  return { rows, columns, classes: Uint8Array.from(all[width]!), numbers: all[width + 1]! };
}

/** Numbers from 0 to 1, the same for a seed. 53 random bits each: two draws of xorshift32. */
export function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e37_79b9) | 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return () => ((draw() >>> 5) * 67_108_864 + (draw() >>> 6)) / 9_007_199_254_740_992;
}
