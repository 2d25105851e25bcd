import type { BoardMemory } from './node-board.ts';
import type { GrowthLimits } from './task.ts';
import type { PackedTree } from './grown-tree.ts';
import type { SharedRows } from './shared-rows.ts';

/** A share of the work on one tree, over memory that all who work on it share. */
export type Job =
  | { readonly step: 'sort'; readonly rows: SharedRows }
  | {
      readonly step: 'grow';
      readonly rows: SharedRows;
      readonly limits: GrowthLimits;
      /** Of the target; 0 where it is a number. */
      readonly classes: number;
      readonly queue: Int32Array;
      readonly board: BoardMemory;
    };

/** A subtree that somebody else has grown, and the node it hangs on. */
export interface Subtree {
  readonly node: number;
  readonly grown: PackedTree;
}

/** Threads that help with one tree at a time. */
export interface Crew {
  /** How many, besides the one that asks; 0 for none. */
  readonly helpers: number;
  /** Has each of them do its share of a job; what they have grown. */
  help(job: Job): Promise<Subtree[]>;
}
