import { argsort, ascending, type SortScratch } from './argsort.ts';
import { type Block, newBlock, rankRows, type Targets } from './block.ts';

/** Rows to fit a tree on, and room for their orders, in memory that threads share. */
export interface SharedRows {
  readonly columns: readonly Float64Array[];
  /** The number each row has in the columns, and its target. */
  readonly ids: Int32Array;
  readonly targets: Targets;
  /** Per feature, the rows sorted by it; after them, for numbers, the rows by number. */
  readonly orders: readonly Int32Array[];
  readonly ranks: readonly Int32Array[];
  /** 1 for a row that goes right, in a node that all part together. */
  readonly side: Uint8Array;
  /** Per feature, whether a value occurs twice; then the next feature to be sorted. */
  readonly state: Int32Array;
}

/**
 * Takes rows into shared memory, what is there already without a copy.
 * @param ids the columns' rows in the order in which they are to be numbered
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
 * Sorts by one feature after another until none is left; any number of threads may at once.
 * @param scratch the caller's own, for as many rows
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
 * The rows, once sorted, as a block whose scratch is the caller's own.
 * @param side where it marks the rows of nodes, if not in its own scratch
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
