import { type Table, generator } from './tree-data.ts';

/** How the values of a column arise. */
interface Shape {
  readonly kind: 'measure' | 'distance' | 'category';
  /** The number of distinct values. */
  readonly values: number;
  /** The size of a step between two values. */
  readonly step: number;
  /** The share of cells that are missing. They get the median, as `preprocess.missing: impute` gives. */
  readonly missing: number;
}

const measure = (values: number, step: number): Shape => ({
  kind: 'measure',
  values,
  step,
  missing: 0,
});
const distance = (values: number, step: number): Shape => ({
  kind: 'distance',
  values,
  step,
  missing: 0,
});
const category = (values: number): Shape => ({ kind: 'category', values, step: 1, missing: 0 });

/** Like the columns of Covertype: heights and angles, skewed distances, shades, soils. */
const SHAPES: readonly Shape[] = [
  measure(1085, 1),
  measure(361, 1),
  measure(67, 1),
  distance(551, 1),
  { ...distance(700, 0.1), missing: 0.25 },
  distance(827, 10),
  measure(207, 1),
  measure(185, 0.01),
  { ...measure(255, 1), missing: 0.05 },
  category(40),
  category(24),
  measure(100, 0.5),
];

/** The number of classes, and the share of rows of each: few classes have most rows, as in Covertype. */
export const REAL_CLASSES = 7;
const SHARES = [0.36, 0.49, 0.06, 0.005, 0.02, 0.03, 0.035];
/** The kinds of rows. Each has a class and its own centre in every column. */
const KINDS = 60;
/** Share of rows with a random class. */
const NOISE = 0.03;

/**
 * A table like real ones: a mixture of kinds of rows, few distinct values per column (24 to 1 085), ties, skewed
 * columns, categories, and cells that were missing. The same for a seed on every machine.
 */
export function makeRealTable(rows: number, seed: number): Table {
  const random = generator(seed);
  const kinds = Array.from({ length: KINDS }, () => ({
    label: pick(SHARES, random()),
    centres: SHAPES.map(() => random()),
    level: random() * 100,
  }));
  const weights = kinds.map(() => random() ** 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => weight / total);
  const columns = SHAPES.map(() => new Float64Array(new SharedArrayBuffer(8 * rows)));
  const classes = new Uint8Array(rows);
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const { label, centres, level } = kinds[pick(shares, random())]!;
    for (let c = 0; c < SHAPES.length; c++)
      columns[c]![row] = drawCell(SHAPES[c]!, centres[c]!, random);
    classes[row] = random() < NOISE ? pick(SHARES, random()) : label;
    const slope = columns[0]![row]! * 0.02 + columns[3]![row]! * 0.01;
    numbers[row] = Math.round((level + slope + normal(random) * 5) * 100) / 100;
  }
  return { rows, columns, classes, numbers };
}

/** Draws a value near a centre from 0 to 1. */
function drawCell(
  { kind, values, step, missing }: Shape,
  centre: number,
  random: () => number,
): number {
  if (random() < missing) return Math.floor(values / 3) * step;
  const place =
    kind === 'measure'
      ? centre + normal(random) * 0.12
      : kind === 'distance'
        ? -Math.log(1 - random()) * (0.05 + centre * 0.2)
        : random() < 0.7
          ? centre
          : random() ** 3;
  return Math.min(values - 1, Math.max(0, Math.floor(place * values))) * step;
}

/** Roughly normal: the sum of four uniform numbers, which needs no function that machines round differently. */
function normal(random: () => number): number {
  return (random() + random() + random() + random() - 2) * 1.732;
}

function pick(shares: readonly number[], at: number): number {
  let sum = 0;
  for (let i = 0; i < shares.length; i++) {
    sum += shares[i]!;
    if (at < sum) return i;
  }
  return shares.length - 1;
}
