import { placesOf } from './cut.ts';

/** A state of a table that grows, of all that brought rows. */
export interface KnownState {
  /** Batches that were cut before it came. */
  readonly after: number;
  /** Rows of the whole table in it. */
  readonly rows: number;
}

/** What is known of a table that grows: its states, oldest first, and how batches are cut from them. */
export interface KnownTable {
  readonly states: readonly KnownState[];
  readonly batchSize: number;
  /** Seed of the order of the first state's rows; later rows keep the table's. */
  readonly shuffleSeed: number | null;
}

/**
 * How many rows each state begins with that came before it: those that no batch had been cut from.
 */
export function carriedRows({ states, batchSize }: KnownTable): number[] {
  const carried = [0];
  for (let i = 1; i < states.length; i++) {
    const before = states[i - 1]!;
    const held = carried[i - 1]! + before.rows - (states[i - 2]?.rows ?? 0);
    carried.push(Math.max(0, held - (states[i]!.after - before.after) * batchSize));
  }
  return carried;
}

/**
 * Which batch each row of the table is in, or would be.
 * @returns a function of a row's number in the whole table, from 0, which must be known
 */
export function batchOfRow(table: KnownTable): (row: number) => number {
  const { states, batchSize, shuffleSeed } = table;
  const carried = carriedRows(table);
  const places = placesOf(states[0]!.rows, shuffleSeed);
  return (row) => {
    let state = states.findIndex(({ rows }) => row < rows);
    let place =
      state === 0 ? (places?.[row] ?? row) : carried[state]! + row - states[state - 1]!.rows;
    for (; ; state++) {
      const { after } = states[state]!;
      const cut = (states[state + 1]?.after ?? Infinity) - after;
      const batch = Math.floor(place / batchSize);
      if (batch < cut) return after + batch + 1;
      place -= cut * batchSize;
    }
  };
}
