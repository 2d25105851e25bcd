import { type SortScratch, argsort, ascending, sortScratch } from '../../argsort.ts';

/** The targets: a class index or a number for each row. */
export type Targets = Uint8Array | Int32Array | Float64Array;

/**
 * Rows sorted by every feature. A node of the tree is the same range of each order. A split parts each of these
 * ranges in two and keeps both sorted. Rows are numbered within the block, so that a subtree can have its own
 * block, which fits the processor's cache.
 */
export interface Block<T extends Targets = Targets> {
  rows: number;
  /** For each feature, the rows sorted by it; then the rows by number, if they are listed. */
  readonly orders: readonly Int32Array[];
  /** For each feature and row, the rank of the value among the distinct values; null when all values differ. */
  readonly ranks: (Int32Array | null)[];
  /** The number of each row in the columns. */
  readonly ids: Int32Array;
  readonly targets: T;
  /** Scratch: 1 for a row that goes right. */
  readonly side: Uint8Array;
  /** Scratch for the rows of the block. */
  readonly spare: Int32Array;
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
 * Sorts all rows by every feature.
 * @param columns finite values
 * @param targets of the columns' rows
 * @param listed whether to keep an order by number too, which targets of numbers need
 */
export function sortBlock<T extends Targets>(
  columns: readonly Float64Array[],
  targets: T,
  listed: boolean,
): Block<T> {
  const rows = targets.length;
  const scratch = sortScratch(rows);
  const ids = numberRows(targets, listed, scratch);
  const ranks: (Int32Array | null)[] = [];
  const orders = columns.map((column) => {
    const order = argsort(column, ids, scratch);
    ranks.push(scratch.hasEqual ? rankRows(column, ids, order) : null);
    return order;
  });
  if (listed) orders.push(ascending(new Int32Array(rows)));
  const taken = targets.slice() as T;
  for (let i = 0; i < rows; i++) taken[i] = targets[ids[i]!]!;
  return newBlock(orders, ranks, ids, taken);
}

/** Makes an empty block with the features and the type of targets of another. {@link narrowBlock} fills it. */
export function emptyBlock<T extends Targets>(like: Block<T>, rows: number): Block<T> {
  const orders = like.orders.map(() => new Int32Array(rows));
  const ranks = like.ranks.map(() => null);
  const targets = like.targets.slice(0, rows) as T;
  return newBlock(orders, ranks, new Int32Array(rows), targets);
}

/** Makes a block. All blocks come from one literal, because the engine optimises objects that come from one place. */
export function newBlock<T extends Targets>(
  orders: readonly Int32Array[],
  ranks: (Int32Array | null)[],
  ids: Int32Array,
  targets: T,
  side: Uint8Array = new Uint8Array(ids.length),
): Block<T> {
  const rows = ids.length;
  const spare = new Int32Array(rows);
  return { rows, orders, ranks, ids, targets, side, spare };
}

/**
 * Fills a block with the rows of one node, which get new numbers.
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
    renumber(block.orders[f]!, start, end, numberOf, into.orders[f]!);
    into.ranks[f] = rerank(block.ranks[f]!, outer, into.orders[f]!);
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
export function rankRows(
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

/** The rows of a fit and room for their orders, in memory that threads share. */
export interface SharedRows {
  readonly columns: readonly Float64Array[];
  /** The number of each row in the columns. */
  readonly ids: Int32Array;
  readonly targets: Targets;
  /** For each feature, the rows sorted by it; then, for targets of numbers, the rows by number. */
  readonly orders: readonly Int32Array[];
  readonly ranks: readonly Int32Array[];
  /** 1 for a row that goes right, in a node that all threads part together. */
  readonly side: Uint8Array;
  /** For each feature, whether a value occurs twice; then the next feature to sort. */
  readonly state: Int32Array;
}

/**
 * Copies rows into shared memory. Columns that are in shared memory already are not copied.
 * @param ids the rows of the columns in the order of their new numbers
 * @param listed whether to keep an order by number too
 */
export function shareRows(
  columns: readonly Float64Array[],
  targets: Targets,
  ids: Int32Array,
  listed: boolean,
): SharedRows {
  const room = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * ids.length));
  const taken = copyShared(targets);
  for (let i = 0; i < ids.length; i++) taken[i] = targets[ids[i]!]!;
  const orders = columns.map(room);
  if (listed) orders.push(ascending(room()));
  return {
    columns: columns.map((column) =>
      column.buffer instanceof SharedArrayBuffer ? column : copyShared(column),
    ),
    ids: copyShared(ids),
    targets: taken,
    orders,
    ranks: columns.map(room),
    side: new Uint8Array(new SharedArrayBuffer(ids.length)),
    state: new Int32Array(new SharedArrayBuffer(4 * (columns.length + 1))),
  };
}

/**
 * Sorts by one feature after another until none is left. Any number of threads may do this at once.
 * @param scratch buffers of the caller, for this many rows
 */
export function sortShared(
  { columns, ids, orders, ranks, state }: SharedRows,
  scratch: SortScratch,
): void {
  for (;;) {
    const f = Atomics.add(state, columns.length, 1);
    if (f >= columns.length) return;
    argsort(columns[f]!, ids, scratch, orders[f]);
    const isRanked = scratch.hasEqual && rankRows(columns[f]!, ids, orders[f]!, ranks[f]) !== null;
    state[f] = isRanked ? 1 : 0;
  }
}

/**
 * Makes a block of the sorted rows, with its own scratch.
 * @param side marks the rows of nodes, in place of the block's own scratch
 */
export function sharedBlock(
  { ids, targets, orders, ranks, state }: SharedRows,
  side?: Uint8Array,
): Block {
  const ranked = ranks.map((rank, f) => (state[f] === 0 ? null : rank));
  return newBlock(orders, ranked, ids, targets, side);
}

function copyShared<T extends Targets>(values: T): T {
  const Class = values.constructor as new (memory: SharedArrayBuffer) => T;
  const copy = new Class(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
