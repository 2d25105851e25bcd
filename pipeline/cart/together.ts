import { type SortScratch, sortScratch } from './argsort.ts';
import type { Report } from '../progress.ts';
import type { Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import type { Crew, Job, Subtree } from './crew.ts';
import { Gini } from './gini.ts';
import { growFrom } from './grow.ts';
import { GrownTree } from './grown-tree.ts';
import { NodeBoard } from './node-board.ts';
import { shareRows, sharedBlock, type SharedRows, sortShared } from './shared-rows.ts';
import { SquaredError } from './squared-error.ts';
import { SubtreeQueue } from './subtree-queue.ts';
import { type GrowthLimits, rootTask, type Task } from './task.ts';
import { helpTeam, leadTeam, type Tools } from './team.ts';

/** Values, rows times features, below which the help of others costs more than it brings. */
const WORTH_HELP = 500_000;
/** Subtrees for each thread, at least: few enough to be large, enough to end at about the same time. */
const SUBTREES = 12;
/** A subtree this many times smaller than the largest that is handed out is not worth it. */
const SPREAD = 8;

/** Whether a tree over so many rows is to be grown together. */
export function isWorthHelp(crew: Crew | undefined, rows: number, features: number): crew is Crew {
  return crew !== undefined && crew.helpers > 0 && rows * features >= WORTH_HELP;
}

/**
 * Grows a tree with the help of other threads: columns are sorted by whoever is free, the
 * large nodes near the root are split by all together, feature by feature, and the subtrees below them are
 * grown by whoever is free. The tree is the same to the last bit: no number in it depends on who has computed it.
 * @param classes how many, 0 for numbers
 * @param ids the rows in the order in which they are to be numbered
 * @param scratch for as many rows
 */
export async function growTogether(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  ids: Int32Array,
  scratch: SortScratch,
  limits: GrowthLimits,
  crew: Crew,
  report?: Report,
): Promise<GrownTree> {
  const rows = shareRows(columns, targets, ids, classes === 0);
  const othersSort = crew.help({ step: 'sort', rows });
  // Its failure is for the line that waits for it.
  othersSort.catch(() => undefined);
  sortShared(rows, scratch);
  await othersSort;
  const queue = new SubtreeQueue(columns.length);
  const board = new NodeBoard(columns.length);
  const shared = { queue: queue.memory, board: board.memory };
  const othersGrow = crew.help({ step: 'grow', rows, limits, classes, ...shared });
  othersGrow.catch(() => undefined);
  const most = ids.length / (SUBTREES * (crew.helpers + 1));
  const offer = (task: Task): boolean => task.end - task.start >= most / SPREAD && queue.push(task);
  const tree = new GrownTree();
  const tools = toolsOf(board, rows, classes, limits, rows.side);
  const grow = growFrom(columns, tools.block, tools.criterion, limits, (settled) => {
    const all = queue.settle(settled);
    report?.(all / ids.length, all);
  });
  const team = leadTeam(tools, () => queue.ring());
  try {
    const root = rootTask(tree.add(), ids.length, columns.length, classes === 0);
    grow(tree, root, { most, team, offer });
    queue.close();
    for (let task = queue.take(); task !== undefined; task = queue.take()) grow(tree, task);
  } finally {
    queue.close();
  }
  const subtrees = await othersGrow;
  tree.reserve(subtrees.reduce((sum, { grown }) => sum + grown.features.length - 1, 0));
  for (const { node, grown } of subtrees) tree.graft(node, grown);
  return tree.place(columns);
}

/** What a helper does of a job. */
export function helpWith(job: Job): Subtree[] {
  if (job.step === 'sort') {
    sortShared(job.rows, sortScratch(job.rows.ids.length));
    return [];
  }
  const { rows, classes, limits } = job;
  const queue = new SubtreeQueue(rows.columns.length, job.queue);
  const board = new NodeBoard(rows.columns.length, job.board);
  const tools = toolsOf(board, rows, classes, limits);
  const grow = growFrom(rows.columns, tools.block, tools.criterion, limits, (settled) =>
    queue.settle(settled),
  );
  const subtrees: Subtree[] = [];
  const next = (): Task | undefined => queue.take(() => helpTeam(tools));
  for (let task = next(); task !== undefined; task = next()) {
    const tree = new GrownTree();
    grow(tree, { ...task, node: tree.add() });
    subtrees.push({ node: task.node, grown: tree.packed() });
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
