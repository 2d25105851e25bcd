import { sortScratch } from './argsort.ts';
import {
  type SharedRows,
  type Targets,
  numberRows,
  shareRows,
  sharedBlock,
  sortShared,
} from './block.ts';
import type { Criterion } from './criterion.ts';
import { Gini } from './gini.ts';
import { growFrom } from './grow-tree.ts';
import { GrownTree, type PackedTree } from './grown-tree.ts';
import { SquaredError } from './squared-error.ts';
import { type GrowthLimits, type Task, rootTask } from './task.ts';
import { type BoardMemory, NodeBoard, type Tools, helpTeam, leadTeam } from './team.ts';
import type { Report } from '../../progress.ts';

/** Values (rows times features) below which more threads cost more time than they save. */
const WORTH_HELP = 500_000;
/** Subtrees for each thread, at least: few enough to be large, enough to end at about the same time. */
const SUBTREES = 12;
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
 * Grows a tree with the help of other threads: free threads sort the columns, the
 * large nodes near the root are split by all together, feature by feature, and the subtrees below them are
 * grown by free threads. The tree is the same to the last bit: no number in it depends on the thread that computed it.
 * @param classes how many, 0 for numbers
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
  // The memory that they were grown in is free by now.
  tree.graft(subtrees);
  return tree;
}

/** The tree down to the nodes that other threads took, and their subtrees. */
async function growAll(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  limits: GrowthLimits,
  helpers: Helpers,
  report?: Report,
): Promise<{ tree: GrownTree; subtrees: Subtree[] }> {
  const rows = await sortTogether(columns, targets, classes === 0, helpers);
  const all = targets.length;
  const queue = new SubtreeQueue(columns.length);
  const board = new NodeBoard(columns.length);
  const shared = { queue: queue.memory, board: board.memory };
  const othersGrow = helpers.help({ step: 'grow', rows, limits, classes, ...shared });
  // The line that awaits it handles its failure.
  othersGrow.catch(() => undefined);
  const most = all / (SUBTREES * (helpers.count + 1));
  const offer = (task: Task): boolean => task.end - task.start >= most / SPREAD && queue.push(task);
  const tools = toolsOf(board, rows, classes, limits, rows.side);
  const grow = growFrom(columns, tools.block, tools.criterion, limits, (settled) => {
    const done = queue.settle(settled);
    report?.(done / all, done);
  });
  const team = leadTeam(tools, () => queue.wake());
  const tree = new GrownTree();
  try {
    const root = rootTask(tree.add(), all, columns.length, classes === 0);
    grow(tree, root, { most, team, offer });
    queue.close();
    const own = growSubtrees(columns, grow, () => queue.take());
    return { tree: tree.place(columns), subtrees: [...own, ...(await othersGrow)] };
  } finally {
    queue.close();
  }
}

/** Sorts rows by every feature; the memory for it is free afterwards. */
async function sortTogether(
  columns: readonly Float64Array[],
  targets: Targets,
  listed: boolean,
  helpers: Helpers,
): Promise<SharedRows> {
  const scratch = sortScratch(targets.length);
  const rows = shareRows(columns, targets, numberRows(targets, listed, scratch), listed);
  const othersSort = helpers.help({ step: 'sort', rows });
  othersSort.catch(() => undefined);
  sortShared(rows, scratch);
  await othersSort;
  return rows;
}

/** A helper's share of a job. */
export function helpWith(job: Job): Subtree[] {
  const { rows } = job;
  const { columns, ids } = rows;
  if (job.step === 'sort') {
    sortShared(rows, sortScratch(ids.length));
    return [];
  }
  const queue = new SubtreeQueue(columns.length, job.queue);
  const board = new NodeBoard(columns.length, job.board);
  const tools = toolsOf(board, rows, job.classes, job.limits);
  const grow = growFrom(columns, tools.block, tools.criterion, job.limits, (settled) =>
    queue.settle(settled),
  );
  return growSubtrees(columns, grow, () => queue.take(() => helpTeam(tools)));
}

/** Grows subtrees as long as there are any, each as a tree of its own. */
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

/** What a thread grows with; `side` is where it marks the rows of nodes, if not in its own scratch. */
function toolsOf(
  board: NodeBoard,
  rows: SharedRows,
  classes: number,
  limits: GrowthLimits,
  side?: Uint8Array,
): Tools<Targets> {
  const criterion = (classes === 0
    ? new SquaredError(rows.ids.length)
    : new Gini(classes)) as unknown as Criterion<Targets>;
  const block = sharedBlock(rows, side);
  return { board, block, criterion, minLeaf: limits.minLeaf, side: rows.side };
}

/** Subtrees that fit the queue; a thread grows one itself when the queue is full. */
const MOST = 512;
const PUSHED = 0;
const TAKEN = 1;
const CLOSED = 2;
const SETTLED = 3;
/** Goes up when there is something new to look for. */
const BELL = 4;
const HEAD = 5;
/** Numbers of a task besides its features. */
const FIELDS = 6;

/** Subtrees of one tree that wait for a thread, in memory that threads share; one thread adds, all take. */
export class SubtreeQueue {
  readonly memory: Int32Array;
  readonly #stride: number;

  /** @param memory that of the queue another thread has made; a new one if not given */
  constructor(features: number, memory?: Int32Array) {
    this.#stride = FIELDS + features;
    this.memory = memory ?? new Int32Array(new SharedArrayBuffer(4 * (HEAD + MOST * this.#stride)));
  }

  /** Hands a subtree out; false when there is no room. */
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

  /** Wakes the threads that wait for a subtree, to look for other work. */
  wake(): void {
    Atomics.add(this.memory, BELL, 1);
    Atomics.notify(this.memory, BELL);
  }

  /**
   * The next subtree, waiting for one if need be; undefined when no more will come.
   * @param first is done before each look; it returns whether there was work
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
        // Closing comes after the last push, which may have been missed above.
        if (Atomics.load(memory, PUSHED) === pushed) return undefined;
      } else {
        Atomics.wait(memory, BELL, bell);
      }
    }
  }

  /** Counts rows that have found their leaf; returns how many have, in all threads. */
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
    };
  }
}

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

/** A subtree that another thread has grown, and the node that it replaces. */
export interface Subtree {
  readonly node: number;
  readonly grown: PackedTree;
}

/** Threads that help the calling one, with one tree at a time. */
export interface Helpers {
  /** How many, besides the calling thread; 0 for none. */
  readonly count: number;
  /** Gives a job to each of them; returns the subtrees that they have grown, when all have done their share. */
  help(job: Job): Promise<Subtree[]>;
}
