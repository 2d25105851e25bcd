import type { Block, Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import { BOTH, type Kept, partOrder } from './partition.ts';
import { type Findings, measureFeature, takeBest } from './search.ts';
import type { Team } from './task.ts';
import type { ValueCounts } from './counter.ts';
import type { NodeCounter } from './node-counter.ts';

/** The objects that a thread uses to grow nodes. */
export interface Tools<T extends Targets> {
  readonly board: NodeBoard;
  readonly block: Block<T>;
  readonly criterion: Criterion<T>;
  /** Null if the block has no coded features. */
  readonly counter: NodeCounter | null;
  readonly minLeaf: number;
  /** The marks of the rows, which the thread that leads the node sets. */
  readonly side: Uint8Array;
}

/**
 * Makes the team of the thread that leads a node.
 * @param wake wakes the other threads
 */
export function leadTeam<T extends Targets>(tools: Tools<T>, wake: () => void): Team {
  const { board, block, criterion, minLeaf } = tools;
  const doTogether = (work: Work): void => {
    board.post(work);
    wake();
    doPieces(tools, true);
    board.wait();
  };
  return {
    search: ({ start, end, list }, features) => {
      doTogether({ step: SEARCH, start, end, list, kept: BOTH, features });
      return takeBest(block, criterion, features, start, end, minLeaf, board.findings);
    },
    part: ({ start, end, list }, features, done, kept) => {
      const others = features.filter(
        (feature) => feature !== done && block.codes[feature] === null,
      );
      if (others.length > 0) doTogether({ step: PART, start, end, list, kept, features: others });
    },
  };
}

/** Does pieces of the posted work until none is left. Returns whether there was one. */
export function helpTeam<T extends Targets>(tools: Tools<T>): boolean {
  return doPieces(tools, false);
}

/** @param isLead whether the criterion has entered the node already */
function doPieces<T extends Targets>(tools: Tools<T>, isLead: boolean): boolean {
  const { board, block, criterion, counter, minLeaf, side } = tools;
  let entered = -1;
  let counts: ValueCounts | null = null;
  let piece = board.claim();
  const hadSome = piece !== null;
  for (; piece !== null; piece = board.claim()) {
    const { step, turn, start, end, list, kept, features } = piece;
    if (step === SEARCH && entered !== turn) {
      if (!isLead) criterion.enter(block, block.orders[list]!, start, end);
      if (counts !== null) counter!.release(counts);
      counts = counter?.open(start, end) ?? null;
      entered = turn;
    }
    for (const feature of features) {
      if (step === PART) partOrder(block.orders[feature]!, start, end, side, block.spare, kept);
      else {
        if (counts !== null) counter!.countFeature(counts, feature, start, end);
        const into = board.findings;
        measureFeature(block, criterion, counter, counts, feature, start, end, minLeaf, into);
      }
    }
    board.done();
  }
  if (counts !== null) counter!.release(counts);
  return hadSome;
}

const CLAIM = 0;
const PIECES = 1;
const DONE = 2;
const STEP = 3;
const START = 4;
const END = 5;
const LIST = 6;
const KEPT = 7;
const COUNT = 8;
const HEAD = 9;
/** The largest number of pieces of one node. A piece's number fits a byte, and CLOSED is not one of them. */
const MOST_PIECES = 128;
const CLOSED = 0xff;
/** The longest time of a piece in seconds. After it, the thread that claimed the piece counts as dead. */
const PATIENCE = 60;

export const SEARCH = 1;
export const PART = 2;
type Step = typeof SEARCH | typeof PART;

/** Work on the features of a node. */
export interface Work {
  readonly step: Step;
  readonly start: number;
  readonly end: number;
  /** The order whose range lists the node's rows. */
  readonly list: number;
  /** Which children need their rows sorted, when it is parted. */
  readonly kept: Kept;
  readonly features: readonly number[];
}

/** A part of the work, with some of its features. */
export interface Piece extends Work {
  /** Distinguishes this work from the work before it. */
  readonly turn: number;
}

/** The memory of a board, which threads share. */
export interface BoardMemory {
  readonly words: Int32Array;
  readonly bounds: Float64Array;
}

/**
 * One node of a tree that several threads work on. The leading thread posts the work. All threads claim pieces of
 * it until none is left. Then the leading thread waits for the pieces in progress. The turn and the next piece are
 * one word, which changes in one atomic step. So a late thread, which has read an older turn, claims nothing.
 */
export class NodeBoard {
  readonly memory: BoardMemory;
  readonly findings: Findings;
  readonly #features: Int32Array;

  /** @param memory the memory of a board that another thread has made; new memory by default */
  constructor(width: number, memory?: BoardMemory) {
    this.memory = memory ?? {
      words: new Int32Array(new SharedArrayBuffer(4 * (HEAD + 2 * width))),
      bounds: new Float64Array(new SharedArrayBuffer(16 * width)),
    };
    if (memory === undefined) this.memory.words[CLAIM] = CLOSED;
    this.findings = {
      lows: this.memory.bounds.subarray(0, width),
      highs: this.memory.bounds.subarray(width),
      cuts: this.memory.words.subarray(HEAD, HEAD + width),
    };
    this.#features = this.memory.words.subarray(HEAD + width);
  }

  /** Posts work. Earlier work must be done. */
  post({ step, start, end, list, kept, features }: Work): void {
    const { words } = this.memory;
    const turn = (words[CLAIM]! >>> 8) + 1;
    // Closed while the work is written, so that no thread reads a part of it.
    Atomics.store(words, CLAIM, (turn << 8) | CLOSED);
    words[STEP] = step;
    words[START] = start;
    words[END] = end;
    words[LIST] = list;
    words[KEPT] = kept;
    words[COUNT] = features.length;
    this.#features.set(features);
    Atomics.store(words, DONE, 0);
    Atomics.store(words, PIECES, Math.min(features.length, MOST_PIECES));
    Atomics.store(words, CLAIM, (turn << 8) | 0);
  }

  /** Claims a piece for the caller, who calls {@link done} after it; null when none is left. */
  claim(): Piece | null {
    const { words } = this.memory;
    for (;;) {
      const claim = Atomics.load(words, CLAIM);
      const piece = claim & CLOSED;
      if (piece >= Atomics.load(words, PIECES)) return null;
      if (Atomics.compareExchange(words, CLAIM, claim, claim + 1) === claim)
        return this.#read(claim >>> 8, piece);
    }
  }

  /** Reports that a piece is done. */
  done(): void {
    Atomics.add(this.memory.words, DONE, 1);
    Atomics.notify(this.memory.words, DONE);
  }

  /**
   * Waits for the pieces that others have claimed.
   * @param patience the time in seconds within which the next piece must be done
   * @throws Error when one of them seems to have died
   */
  wait(patience = PATIENCE): void {
    const { words } = this.memory;
    for (let seconds = 0; seconds < patience;) {
      const done = Atomics.load(words, DONE);
      if (done === words[PIECES]) return;
      if (Atomics.wait(words, DONE, done, 1000) === 'timed-out') seconds++;
      else seconds = 0;
    }
    throw new Error('a thread that helped to fit a tree has ended');
  }

  #read(turn: number, piece: number): Piece {
    const { words } = this.memory;
    const [pieces, count] = [words[PIECES]!, words[COUNT]!];
    const [first, end] = [piece, piece + 1].map((i) => Math.floor((i * count) / pieces));
    return {
      turn,
      step: words[STEP] as Step,
      start: words[START]!,
      end: words[END]!,
      list: words[LIST]!,
      kept: words[KEPT] as Kept,
      features: [...this.#features.subarray(first, end)],
    };
  }
}
