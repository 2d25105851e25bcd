import { type SortScratch, ascending } from '../../argsort.ts';
import {
  type Arranged,
  type Block,
  NO_CODES,
  NO_ORDER,
  type Targets,
  arrangeColumn,
  newBlock,
} from './block.ts';
import { limitValues } from './codes.ts';

/** The rows of a fit and room for their features, in memory that threads share. */
export interface SharedRows {
  readonly columns: readonly Float64Array[];
  /** The number of each row in the columns. */
  readonly ids: Int32Array;
  readonly targets: Targets;
  /** For each feature, the rows sorted by it. If it is coded, the codes are in this memory. */
  readonly orders: readonly Int32Array[];
  readonly ranks: readonly Int32Array[];
  /** For each feature, room for the samples of as many values as a coded feature may have. */
  readonly samples: readonly Int32Array[];
  /** The rows by number. */
  readonly list: Int32Array;
  /** Whether the targets need that list. */
  readonly listed: boolean;
  /** 1 for a row that goes right, in a node that all threads split together. */
  readonly side: Uint8Array;
  /** For each feature, the number of its codes, or {@link DISTINCT}, or {@link TIED}; then the next feature to sort. */
  readonly state: Int32Array;
}

/** States of a sorted feature: all values differ, or some are equal. */
const DISTINCT = 0;
const TIED = -1;

/**
 * Copies rows into shared memory. Columns that are in shared memory already are not copied.
 * @param ids the rows of the columns in the order of their new numbers
 * @param listed whether the targets need an order by number
 * @param width the number of counts per distinct value
 */
export function shareRows(
  columns: readonly Float64Array[],
  targets: Targets,
  ids: Int32Array,
  listed: boolean,
  width: number,
): SharedRows {
  const room = (size: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * size));
  const taken = copyShared(targets);
  for (let i = 0; i < ids.length; i++) taken[i] = targets[ids[i]!]!;
  return {
    columns: columns.map((column) =>
      column.buffer instanceof SharedArrayBuffer ? column : copyShared(column),
    ),
    ids: copyShared(ids),
    targets: taken,
    orders: columns.map(() => room(ids.length)),
    ranks: columns.map(() => room(ids.length)),
    samples: columns.map(() => room(limitValues(ids.length, width))),
    list: ascending(room(ids.length)),
    listed,
    side: new Uint8Array(new SharedArrayBuffer(ids.length)),
    state: room(columns.length + 1),
  };
}

/**
 * Codes or sorts one feature after another until none is left. Any number of threads may do this at once.
 * @param scratch buffers of the caller, for this many rows
 */
export function sortShared(rows: SharedRows, scratch: SortScratch): void {
  const { columns, ids, orders, ranks, samples, state } = rows;
  for (;;) {
    const f = Atomics.add(state, columns.length, 1);
    if (f >= columns.length) return;
    const memory = { codes: codesIn(rows, f), order: orders[f]!, ranks: ranks[f]! };
    const made = arrangeColumn(columns[f]!, ids, samples[f]!.length, scratch, memory);
    if (made.samples !== null) {
      samples[f]!.set(made.samples);
      state[f] = made.values;
    } else state[f] = made.ranks === null ? DISTINCT : TIED;
  }
}

/** Counts the features that are coded, after all are sorted or coded. */
export function countCoded({ columns, state }: SharedRows): number {
  return state.subarray(0, columns.length).filter((values) => values > 0).length;
}

/**
 * Makes a block of the sorted rows, with its own scratch.
 * @param side marks the rows of nodes, in place of the block's own scratch
 */
export function makeSharedBlock(rows: SharedRows, side?: Uint8Array): Block {
  const { ids, targets, orders, ranks, samples, list, listed, state } = rows;
  const features = orders.map((order, f): Arranged => {
    const values = state[f]!;
    if (values <= 0) return { order, ranks: values === TIED ? ranks[f]! : null, ...NO_CODES };
    const coded = { codes: codesIn(rows, f), samples: samples[f]!.subarray(0, values), values };
    return { order: NO_ORDER, ranks: null, ...coded };
  });
  return newBlock(features, ids, targets, listed, list, side);
}

function codesIn({ orders, ids }: SharedRows, feature: number): Uint16Array {
  return new Uint16Array(orders[feature]!.buffer, 0, ids.length);
}

function copyShared<T extends Targets>(values: T): T {
  const Class = values.constructor as new (memory: SharedArrayBuffer) => T;
  const copy = new Class(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}
