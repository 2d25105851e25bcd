import { type SortScratch, argsort, ascending, sortScratch } from '../../argsort.ts';
import { codeColumn, CodeSorter, MOST_VALUES, limitValues } from './codes.ts';

/** The targets: a class index or a number for each row. */
export type Targets = Uint8Array | Int32Array | Float64Array;

/**
 * Rows by every feature: sorted, or as codes if the feature has few distinct values. A node of the tree is the same
 * range of each order. A split divides each of these ranges in two and keeps both sorted. Rows are numbered within
 * the block, so that a subtree can have its own block, which fits the processor's cache.
 */
export interface Block<T extends Targets = Targets> {
  rows: number;
  /** For each feature, the rows sorted by it, empty if it is coded; then the rows by number, if they are listed. */
  readonly orders: readonly Int32Array[];
  /** For each sorted feature and row, the rank of the value among the distinct values; null when all values differ. */
  readonly ranks: (Int32Array | null)[];
  /** For each coded feature and row, the rank of the value among `values`; null for a sorted feature. */
  readonly codes: readonly (Uint16Array | null)[];
  /** For each coded feature and code, a row with this value: its number in the columns. */
  readonly samples: readonly (Int32Array | null)[];
  /** For each coded feature, the number of codes. */
  readonly values: Int32Array;
  /** The number of each row in the columns. */
  readonly ids: Int32Array;
  readonly targets: T;
  /** Scratch: 1 for a row that goes right. */
  readonly side: Uint8Array;
  /** Scratch for the rows of the block. */
  readonly spare: Int32Array;
  /** Sorts coded rows of another block by features that are sorted in this one; null until it is needed. */
  sorter: CodeSorter | null;
}

/** Whether a block has coded features. Then its rows are listed too. */
export function isCoded(block: Block): boolean {
  return block.codes.some((codes) => codes !== null);
}

/**
 * Returns the rows of the columns in the order in which a block numbers them: by target if it lists them, or else
 * unchanged.
 * @param scratch for this many rows
 */
export function numberRows(targets: Targets, listed: boolean, scratch: SortScratch): Int32Array {
  return listed
    ? argsort(targets as Float64Array, null, scratch)
    : ascending(new Int32Array(targets.length));
}

/**
 * Codes the features with few distinct values, and sorts all rows by every other feature.
 * @param columns finite values
 * @param targets of the columns' rows
 * @param listed whether to keep an order by number too, which targets of numbers need
 * @param width the number of counts per distinct value
 */
export function sortBlock<T extends Targets>(
  columns: readonly Float64Array[],
  targets: T,
  listed: boolean,
  width: number,
): Block<T> {
  const rows = targets.length;
  const scratch = sortScratch(rows);
  const ids = numberRows(targets, listed, scratch);
  const most = limitValues(rows, width);
  const features = columns.map((column) => arrangeColumn(column, ids, most, scratch));
  const taken = targets.slice() as T;
  for (let i = 0; i < rows; i++) taken[i] = targets[ids[i]!]!;
  return newBlock(features, ids, taken, listed);
}

/** How a block has one feature. */
export interface Arranged {
  readonly order: Int32Array;
  readonly ranks: Int32Array | null;
  readonly codes: Uint16Array | null;
  readonly samples: Int32Array | null;
  readonly values: number;
}

export const NO_ORDER = new Int32Array(0);

/**
 * Codes a column if it has few distinct values, and sorts the rows by it otherwise.
 * @param most the largest number of distinct values of a coded column
 * @param memory for the result; new memory by default
 */
export function arrangeColumn(
  column: Float64Array,
  ids: Int32Array,
  most: number,
  scratch: SortScratch,
  memory?: { codes: Uint16Array; order: Int32Array; ranks: Int32Array },
): Arranged {
  const coded = codeColumn(column, ids, most, memory?.codes);
  if (coded !== null) return { order: NO_ORDER, ranks: null, ...coded };
  const order = argsort(column, ids, scratch, memory?.order);
  const ranks = scratch.hasEqual ? rankRows(column, ids, order, memory?.ranks) : null;
  return { order, ranks, ...NO_CODES };
}

export const NO_CODES = { codes: null, samples: null, values: 0 } as const;

/**
 * Makes an empty block with the features and the type of targets of another. {@link narrowBlock} fills it.
 * @param coded whether the features that are coded in the other are coded in this one too
 */
export function makeEmptyBlock<T extends Targets>(
  like: Block<T>,
  rows: number,
  coded: boolean,
  listed: boolean,
): Block<T> {
  const features = like.codes.map((codes, f): Arranged => {
    if (codes === null || !coded) return { order: new Int32Array(rows), ranks: null, ...NO_CODES };
    const samples = new Int32Array(like.samples[f]!.length);
    return { order: NO_ORDER, ranks: null, codes: new Uint16Array(rows), samples, values: 0 };
  });
  const targets = like.targets.slice(0, rows) as T;
  return newBlock(features, new Int32Array(rows), targets, listed);
}

/**
 * Makes a block. All blocks come from one literal, because the engine optimises objects that come from one place.
 * @param listed whether its rows are listed even if no feature is coded
 * @param list if given, lists the rows
 */
export function newBlock<T extends Targets>(
  features: readonly Arranged[],
  ids: Int32Array,
  targets: T,
  listed: boolean,
  list: Int32Array | null = null,
  side: Uint8Array = new Uint8Array(ids.length),
): Block<T> {
  const rows = ids.length;
  const orders = features.map(({ order }) => order);
  const codes = features.map((feature) => feature.codes);
  if (listed || codes.some((coded) => coded !== null))
    orders.push(list ?? ascending(new Int32Array(rows)));
  return {
    rows,
    orders,
    ranks: features.map(({ ranks }) => ranks),
    codes,
    samples: features.map(({ samples }) => samples),
    values: Int32Array.from(features, ({ values }) => values),
    ids,
    targets,
    side,
    spare: new Int32Array(rows),
    sorter: null,
  };
}

/**
 * Fills a block with the rows of one node, which get new numbers. Features that are coded in the block may be sorted
 * in the new one.
 * @param into a block that is large enough; its contents are replaced
 * @param features the features that may vary within the node; the orders of others become undefined
 * @param list the order whose range lists the node's rows in the order of their new numbers
 */
export function narrowBlock<T extends Targets>(
  block: Block<T>,
  into: Block<T>,
  features: readonly number[],
  list: number,
  start: number,
  end: number,
): void {
  const outer = block.orders[list]!.subarray(start, end);
  const numberOf = block.spare;
  into.rows = outer.length;
  for (let i = 0; i < outer.length; i++) {
    const row = outer[i]!;
    numberOf[row] = i;
    into.ids[i] = block.ids[row]!;
    into.targets[i] = block.targets[row]!;
  }
  for (const f of features) {
    const codes = block.codes[f]!;
    if (codes === null) {
      renumber(block.orders[f]!, start, end, numberOf, into.orders[f]!);
      into.ranks[f] = rerank(block.ranks[f]!, outer, into.orders[f]!);
    } else if (into.codes[f] === null) {
      const rows = outer.length;
      into.sorter ??= new CodeSorter(into.ids.length);
      const found = into.sorter.sort(codes, outer, 0, rows, block.values[f]!, into.orders[f]!);
      into.ranks[f] = null;
      if (found < rows) into.sorter.rank(rows, (into.ranks[f] = new Int32Array(rows)));
    } else {
      into.values[f] = recode(codes, outer, block.samples[f]!, into.codes[f]!, into.samples[f]!);
    }
  }
  const listed = into.orders[into.ranks.length];
  if (listed) ascending(listed);
}

function renumber(
  order: Int32Array,
  start: number,
  end: number,
  numberOf: Int32Array,
  into: Int32Array,
): void {
  for (let i = start; i < end; i++) into[i - start] = numberOf[order[i]!]!;
}

/** Returns the rank of each row's value among the distinct values; null when no value occurs twice. */
function rankRows(
  column: Float64Array,
  ids: Int32Array,
  order: Int32Array,
  ranks: Int32Array = new Int32Array(order.length),
): Int32Array | null {
  let rank = 0;
  let previous = Number.NaN;
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    const value = column[ids[row]!]!;
    if (value > previous) rank++;
    previous = value;
    ranks[row] = rank;
  }
  return rank === order.length - 1 ? null : ranks;
}

const present = new Uint8Array(MOST_VALUES);
const codeOf = new Uint16Array(MOST_VALUES);

/** Codes some rows by the values that they have. Returns the number of these. */
function recode(
  codes: Uint16Array,
  outer: Int32Array,
  samples: Int32Array,
  into: Uint16Array,
  intoSamples: Int32Array,
): number {
  present.fill(0, 0, samples.length);
  for (let i = 0; i < outer.length; i++) present[codes[outer[i]!]!] = 1;
  let values = 0;
  for (let code = 0; code < samples.length; code++) {
    if (present[code] === 0) continue;
    codeOf[code] = values;
    intoSamples[values] = samples[code]!;
    values++;
  }
  for (let i = 0; i < outer.length; i++) into[i] = codeOf[codes[outer[i]!]!]!;
  return values;
}

/** Computes the ranks of some rows from the ranks among more rows. Null when all values differ. */
function rerank(ranks: Int32Array | null, outer: Int32Array, order: Int32Array): Int32Array | null {
  if (ranks === null) return null;
  const narrowed = new Int32Array(outer.length);
  let rank = 0;
  let previous = ranks[outer[order[0]!]!]!;
  for (let i = 0; i < outer.length; i++) {
    const row = order[i]!;
    const value = ranks[outer[row]!]!;
    if (value !== previous) rank++;
    previous = value;
    narrowed[row] = rank;
  }
  return rank === outer.length - 1 ? null : narrowed;
}
