import type { Block, Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import { type NodeBoard, PART, SEARCH, type Work } from './node-board.ts';
import { BOTH, type Kept, partOrder } from './orders.ts';
import type { Task } from './task.ts';

/** Threads that search and part one large node together, each of them some of its features. */
export interface Team {
  /** Tries every cut of a node, and leaves the criterion as if one thread had tried them all in sequence. */
  search(task: Task, features: readonly number[]): void;
  /**
   * Parts a node's order of each feature, once its rows are marked.
   * @param done a feature whose order is parted already
   */
  part(task: Task, features: readonly number[], done: number, kept: Kept): void;
}

/** What a thread grows with. */
export interface Tools<T extends Targets> {
  readonly board: NodeBoard;
  readonly block: Block<T>;
  readonly criterion: Criterion<T>;
  readonly minLeaf: number;
  /** In which the one who has the node marks its rows. */
  readonly side: Uint8Array;
}

/**
 * The team of the thread that has the node.
 * @param ring calls the others
 */
export function leadTeam<T extends Targets>(tools: Tools<T>, ring: () => void): Team {
  const { board, block, criterion, minLeaf } = tools;
  const doTogether = (work: Work): void => {
    board.post(work);
    ring();
    doPieces(tools, true);
    board.wait();
  };
  return {
    search: ({ start, end, list }, features) => {
      doTogether({ step: SEARCH, start, end, list, kept: BOTH, features });
      let best = 0;
      for (const feature of features) best = Math.max(best, board.scores[feature]!);
      const least = criterion.aim(best);
      for (const feature of features) {
        const [score, left] = [board.scores[feature]!, board.lefts[feature]!];
        if (score < least) continue;
        if (left > 0) criterion.take(feature, left, score);
        else criterion.scan(block, feature, start, end, minLeaf);
      }
    },
    part: ({ start, end, list }, features, done, kept) => {
      const others = features.filter((feature) => feature !== done);
      if (others.length > 0) doTogether({ step: PART, start, end, list, kept, features: others });
    },
  };
}

/** Does pieces of what is posted until none is left; whether there was any. */
export function helpTeam<T extends Targets>(tools: Tools<T>): boolean {
  return doPieces(tools, false);
}

/** @param isLead whether the criterion has entered the node already */
function doPieces<T extends Targets>(tools: Tools<T>, isLead: boolean): boolean {
  const { board, block, criterion, minLeaf, side } = tools;
  let entered = -1;
  let piece = board.claim();
  const hadSome = piece !== null;
  for (; piece !== null; piece = board.claim()) {
    const { step, turn, start, end, list, kept, features } = piece;
    if (step === SEARCH && !isLead && entered !== turn) {
      criterion.enter(block, block.orders[list]!, start, end);
      entered = turn;
    }
    for (const feature of features) {
      const order = block.orders[feature]!;
      if (step === PART) partOrder(order, start, end, side, block.spare, kept);
      else {
        criterion.aim(0);
        criterion.scan(block, feature, start, end, minLeaf);
        board.scores[feature] = criterion.score;
        board.lefts[feature] = criterion.lone;
      }
    }
    board.done();
  }
  return hadSome;
}
