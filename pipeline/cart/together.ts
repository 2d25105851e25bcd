import type { Report } from '../progress.ts';
import type { Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import type { Crew, Job, Subtree } from './crew.ts';
import { Gini } from './gini.ts';
import { growFrom } from './grow.ts';
import { GrownTree } from './grown-tree.ts';
import { shareRows, sharedBlock, type SharedRows, sortShared } from './shared-rows.ts';
import { SquaredError } from './squared-error.ts';
import { SubtreeQueue } from './subtree-queue.ts';
import { type GrowthLimits, rootTask, type Task } from './task.ts';

/** Values, rows times features, below which the help of others costs more than it brings. */
const WORTH_HELP = 500_000;
/** Rows of a subtree that is worth handing out, at least. */
const LEAST_ROWS = 4096;

/** Whether a tree over so many rows is to be grown together. */
export function isWorthHelp(crew: Crew | undefined, rows: number, features: number): crew is Crew {
  return crew !== undefined && crew.helpers > 0 && rows * features >= WORTH_HELP;
}

/**
 * Grows a tree with the help of other threads: columns are sorted by whoever is free, then one thread
 * splits the large nodes near the root and the others take the subtrees below them as they come. The tree
 * is the same to the last bit: no number in it depends on who has computed it.
 * @param classes how many, 0 for numbers
 * @param ids the rows in the order in which they are to be numbered
 */
export async function growTogether(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  ids: Int32Array,
  limits: GrowthLimits,
  crew: Crew,
  report?: Report,
): Promise<GrownTree> {
  const rows = shareRows(columns, targets, ids, classes === 0);
  const othersSort = crew.help({ step: 'sort', rows });
  // Its failure is for the line that waits for it.
  othersSort.catch(() => undefined);
  sortShared(rows);
  await othersSort;
  const queue = new SubtreeQueue(columns.length);
  const { memory } = queue;
  const othersGrow = crew.help({ step: 'grow', rows, limits, classes, queue: memory });
  othersGrow.catch(() => undefined);
  const offer = (task: Task): boolean => task.end - task.start >= LEAST_ROWS && queue.push(task);
  const tree = new GrownTree();
  const grower = growerOf(rows, classes, limits, (settled) => {
    const all = queue.settle(settled);
    report?.(all / ids.length, all);
  });
  try {
    const root = rootTask(tree.add(), ids.length, columns.length, classes === 0);
    grower(tree, root, { most: ids.length / (4 * (crew.helpers + 1)), offer });
    queue.close();
    for (let task = queue.take(); task !== undefined; task = queue.take()) grower(tree, task);
  } finally {
    queue.close();
  }
  for (const { node, grown } of await othersGrow) tree.graft(node, grown);
  return tree.place(columns);
}

/** What a helper does of a job. */
export function helpWith(job: Job): Subtree[] {
  if (job.step === 'sort') {
    sortShared(job.rows);
    return [];
  }
  const queue = new SubtreeQueue(job.rows.columns.length, job.queue);
  const grower = growerOf(job.rows, job.classes, job.limits, (rows) => queue.settle(rows));
  const subtrees: Subtree[] = [];
  for (let task = queue.take(); task !== undefined; task = queue.take()) {
    const tree = new GrownTree();
    grower(tree, { ...task, node: tree.add() });
    subtrees.push({ node: task.node, grown: tree.packed() });
  }
  return subtrees;
}

type Grower = ReturnType<typeof growFrom>;

function growerOf(
  rows: SharedRows,
  classes: number,
  limits: GrowthLimits,
  settle: (rows: number) => void,
): Grower {
  const criterion = (classes === 0
    ? new SquaredError(rows.ids.length)
    : new Gini(classes)) as unknown as Criterion<Targets>;
  return growFrom(rows.columns, sharedBlock(rows), criterion, limits, settle);
}
