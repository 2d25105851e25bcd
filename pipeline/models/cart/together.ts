import { sortScratch } from '../../argsort.ts';
import { type Targets, isCoded, numberRows } from './block.ts';
import { makeCriterion } from './criteria.ts';
import { growFrom, growTree } from './grow-tree.ts';
import { GrownTree, type PackedTree } from './grown-tree.ts';
import {
  type SharedRows,
  shareRows,
  makeSharedBlock,
  countCoded,
  sortShared,
} from './shared-rows.ts';
import { type GrowthLimits, type Task, makeRootTask } from './task.ts';
import { type BoardMemory, NodeBoard, type Tools, helpTeam, leadTeam } from './team.ts';
import { NodeCounter } from './node-counter.ts';
import type { Report } from '../../progress.ts';

/** The number of values (rows times features) below which more threads cost more time than they save. */
const WORTH_HELP = 500_000;
/** The number of subtrees for each thread: few, so that they are large, but enough to end at about the same time. */
const SUBTREES = 12;
/** A tree of at most this depth over coded features is grown before a second thread can save time. */
const SHALLOW = 6;
/** With more sorted features than this share, it is not. */
const MOST_SORTED = 1 / 6;
/** A subtree this many times smaller than the largest one is not given to another thread. */
const SPREAD = 8;

/** Whether a tree over so many rows is worth several threads. */
export function isWorthHelp(
  helpers: Helpers | undefined,
  rows: number,
  features: number,
): helpers is Helpers {
  return helpers !== undefined && helpers.count > 0 && rows * features >= WORTH_HELP;
}

/**
 * Grows a tree with the help of other threads. Free threads sort the columns. All threads split the large nodes near
 * the root together, feature by feature. Free threads grow the subtrees below these nodes. The tree has the same bits
 * as that of one thread, because no number in it depends on the thread that computes it.
 * @param classes the number of classes, 0 for numbers
 */
export async function growTogether(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  limits: GrowthLimits,
  helpers: Helpers,
  report?: Report,
): Promise<GrownTree> {
  const { tree, subtrees } = await growAll(columns, targets, classes, limits, helpers, report);
  // The memory in which they were grown is free now.
  tree.graft(subtrees);
  return tree;
}

/** Returns the tree without the subtrees that other threads took, and these subtrees. */
async function growAll(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  limits: GrowthLimits,
  helpers: Helpers,
  report?: Report,
): Promise<{ tree: GrownTree; subtrees: Subtree[] }> {
  const { listed, counter } = makeCriterion(classes, 0, limits);
  const rows = await sortTogether(columns, targets, listed, counter.width, helpers);
  if (helpers.count === 1 && isSoonGrown(rows, limits)) {
    const block = makeSharedBlock(rows, rows.side);
    const criterion = makeCriterion(classes, targets.length, limits);
    return { tree: growTree(columns, block, criterion, limits, report), subtrees: [] };
  }
  const all = targets.length;
  const queue = new SubtreeQueue(columns.length);
  const board = new NodeBoard(columns.length);
  const shared = { queue: queue.memory, board: board.memory };
  const othersGrow = helpers.help({ step: 'grow', rows, limits, classes, ...shared });
  // The line that awaits it handles its failure.
  othersGrow.catch(() => undefined);
  const most = all / (SUBTREES * (helpers.count + 1));
  const offer = (task: Task): boolean => task.end - task.start >= most / SPREAD && queue.push(task);
  const tools = makeTools(board, rows, classes, limits, rows.side);
  const grow = growFrom(columns, tools.block, tools.criterion, limits, (settled) => {
    const done = queue.settle(settled);
    report?.(done / all, done);
  });
  const team = leadTeam(tools, () => queue.wake());
  const tree = new GrownTree();
  try {
    grow(tree, makeRootTask(tree.add(), tools.block), { most, team, offer });
    queue.close();
    const own = growSubtrees(columns, grow, () => queue.take());
    return { tree: tree.place(columns), subtrees: [...own, ...(await othersGrow)] };
  } finally {
    queue.close();
  }
}

/** Whether one thread grows the tree in less time than two. */
function isSoonGrown(rows: SharedRows, { maxDepth }: GrowthLimits): boolean {
  const features = rows.columns.length;
  return maxDepth <= SHALLOW && features - countCoded(rows) <= MOST_SORTED * features;
}

/** Sorts rows by every feature. The memory for the sort is free afterwards. */
async function sortTogether(
  columns: readonly Float64Array[],
  targets: Targets,
  listed: boolean,
  width: number,
  helpers: Helpers,
): Promise<SharedRows> {
  const scratch = sortScratch(targets.length);
  const ids = numberRows(targets, listed, scratch);
  const rows = shareRows(columns, targets, ids, listed, width);
  const othersSort = helpers.help({ step: 'sort', rows });
  othersSort.catch(() => undefined);
  sortShared(rows, scratch);
  await othersSort;
  return rows;
}

/** Does a helper's share of a job. */
export function helpWith(job: Job): Subtree[] {
  const { rows } = job;
  const { columns, ids } = rows;
  if (job.step === 'sort') {
    sortShared(rows, sortScratch(ids.length));
    return [];
  }
  const queue = new SubtreeQueue(columns.length, job.queue);
  const board = new NodeBoard(columns.length, job.board);
  const tools = makeTools(board, rows, job.classes, job.limits);
  const grow = growFrom(columns, tools.block, tools.criterion, job.limits, (settled) =>
    queue.settle(settled),
  );
  return growSubtrees(columns, grow, () => queue.take(() => helpTeam(tools)));
}

/** Grows subtrees while there are any, each as a separate tree. */
function growSubtrees(
  columns: readonly Float64Array[],
  grow: ReturnType<typeof growFrom>,
  next: () => Task | undefined,
): Subtree[] {
  const subtrees: Subtree[] = [];
  const tree = new GrownTree();
  for (let task = next(); task !== undefined; task = next()) {
    grow(tree, { ...task, node: tree.add() });
    subtrees.push({ node: task.node, grown: tree.place(columns).unload() });
  }
  return subtrees;
}

/** Makes the tools of a thread. `side` marks the rows of nodes, instead of its scratch. */
function makeTools(
  board: NodeBoard,
  rows: SharedRows,
  classes: number,
  limits: GrowthLimits,
  side?: Uint8Array,
): Tools<Targets> {
  const criterion = makeCriterion(classes, rows.ids.length, limits);
  const block = makeSharedBlock(rows, side);
  const counter = isCoded(block) ? new NodeCounter(block, criterion.counter) : null;
  return { board, block, criterion, counter, minLeaf: limits.minLeaf, side: rows.side };
}

/** The number of subtrees that fit the queue. When it is full, the thread grows the subtree itself. */
const MOST = 512;
const PUSHED = 0;
const TAKEN = 1;
const CLOSED = 2;
const SETTLED = 3;
/** A counter that increases when there is new work. */
const BELL = 4;
const HEAD = 5;
/** The number of fields of a task besides its features. */
const FIELDS = 6;

/** Subtrees of one tree that wait for a thread, in shared memory. One thread adds them, and all threads take them. */
export class SubtreeQueue {
  readonly memory: Int32Array;
  readonly #stride: number;

  /** @param memory the memory of a queue that another thread has made; new memory by default */
  constructor(features: number, memory?: Int32Array) {
    this.#stride = FIELDS + features;
    this.memory = memory ?? new Int32Array(new SharedArrayBuffer(4 * (HEAD + MOST * this.#stride)));
  }

  /** Adds a subtree. Returns false when there is no room. */
  push({ node, start, end, depth, list, features }: Task): boolean {
    const { memory } = this;
    const pushed = memory[PUSHED]!;
    if (pushed === MOST) return false;
    const at = HEAD + this.#stride * pushed;
    memory.set([node, start, end, depth, list, features.length, ...features], at);
    Atomics.store(memory, PUSHED, pushed + 1);
    this.wake();
    return true;
  }

  /** Marks the queue as complete. */
  close(): void {
    Atomics.store(this.memory, CLOSED, 1);
    this.wake();
  }

  /** Wakes the threads that wait for a subtree, so that they look for other work. */
  wake(): void {
    Atomics.add(this.memory, BELL, 1);
    Atomics.notify(this.memory, BELL);
  }

  /**
   * Takes the next subtree, and waits for one if needed. Returns undefined when the queue is complete and empty.
   * @param first called before each look; returns whether there was other work
   */
  take(first: () => boolean = () => false): Task | undefined {
    const { memory } = this;
    for (;;) {
      const bell = Atomics.load(memory, BELL);
      if (first()) continue;
      const taken = Atomics.load(memory, TAKEN);
      const pushed = Atomics.load(memory, PUSHED);
      if (taken < pushed) {
        if (Atomics.compareExchange(memory, TAKEN, taken, taken + 1) === taken)
          return this.#read(taken);
      } else if (Atomics.load(memory, CLOSED) === 1) {
        // The last push is before the close, and may have been missed above.
        if (Atomics.load(memory, PUSHED) === pushed) return undefined;
      } else {
        Atomics.wait(memory, BELL, bell);
      }
    }
  }

  /** Adds to the number of rows that have their leaf. Returns that number, over all threads. */
  settle(rows: number): number {
    return Atomics.add(this.memory, SETTLED, rows) + rows;
  }

  #read(i: number): Task {
    const at = HEAD + this.#stride * i;
    const [node, start, end, depth, list, count] = this.memory.subarray(at, at + FIELDS);
    const features = [...this.memory.subarray(at + FIELDS, at + FIELDS + count!)];
    return {
      node: node!,
      level: 0,
      start: start!,
      end: end!,
      depth: depth!,
      features,
      list: list!,
      counts: null,
    };
  }
}

/** A step of the work on one tree, with memory that all its threads share. */
export type Job =
  | { readonly step: 'sort'; readonly rows: SharedRows }
  | {
      readonly step: 'grow';
      readonly rows: SharedRows;
      readonly limits: GrowthLimits;
      /** The number of classes of the target; 0 when it is a number. */
      readonly classes: number;
      readonly queue: Int32Array;
      readonly board: BoardMemory;
    };

/** A subtree that another thread has grown, and the node that it replaces. */
export interface Subtree {
  readonly node: number;
  readonly grown: PackedTree;
}

/** Threads that help the calling thread with one tree at a time. */
export interface Helpers {
  /** The number of threads besides the calling one. */
  readonly count: number;
  /** Gives a job to each thread. Returns the subtrees that they have grown, when all have finished. */
  help(job: Job): Promise<Subtree[]>;
}
