import { scaleReport, type Report } from '../../progress.ts';
import { sortBlock, type Targets } from './block.ts';
import { makeCriterion } from './criteria.ts';
import type { ClassIndexes } from '../train-rows.ts';
import { growTree } from './grow-tree.ts';
import type { Helpers } from './together.ts';
import type { FittedTree, NodeOptions, TreeName } from './fitted-tree.ts';
import type { GrownTree } from './grown-tree.ts';
import type { GrowthLimits } from './task.ts';
import { growTogether, isWorthHelp } from './together.ts';

/** When growth stops. The names are those of `params.model`. Except `min_gain` they are scikit-learn's. */
export interface TreeParams {
  /** Splits from the root to the deepest leaf; Infinity for no limit. */
  readonly max_depth: number;
  /** A node with fewer rows becomes a leaf. */
  readonly min_samples_split: number;
  /** A split leaves at least this many rows on each side; 1 by default. */
  readonly min_samples_leaf?: number;
  /**
   * A split must lower the impurity of its node (gini, or the variance) by more than this. scikit-learn's
   * `min_impurity_decrease` weighs that drop by the node's share of all train rows, so its small nodes stop sooner.
   * At the root both are the same, except that scikit-learn also accepts a drop of exactly this size.
   */
  readonly min_gain: number;
}

/** The share of the time of a fit that sorting takes, roughly. */
const SORTED = 0.3;

/**
 * Fits an exact classification tree.
 * @param columns at least one, with finite values, as long as `labels` and not empty
 * @param labels class indexes, less than `classes`
 */
export function fitClasses(
  columns: readonly Float64Array[],
  labels: ClassIndexes,
  classes: number,
  params: TreeParams,
  report?: Report,
): FittedTree<'DTClassifier'> {
  return fittedTree('DTClassifier', params, grow(columns, labels, classes, params, report));
}

/**
 * Fits an exact regression tree.
 * @param columns at least one, with finite values, as long as `targets` and not empty
 * @param targets finite numbers with finite squares
 */
export function fitNumbers(
  columns: readonly Float64Array[],
  targets: Float64Array,
  params: TreeParams,
  report?: Report,
): FittedTree<'DTRegression'> {
  return fittedTree('DTRegression', params, grow(columns, targets, 0, params, report));
}

/** Like {@link fitClasses}, with the help of other threads if that saves time. The tree is the same. */
export async function fitClassesTogether(
  columns: readonly Float64Array[],
  labels: ClassIndexes,
  classes: number,
  params: TreeParams,
  helpers: Helpers | undefined,
  report?: Report,
): Promise<FittedTree<'DTClassifier'>> {
  if (!isWorthHelp(helpers, labels.length, columns.length))
    return fitClasses(columns, labels, classes, params, report);
  const progress = scaleReport(report, SORTED, 1);
  const limits = limitsOf(params);
  const grown = await growTogether(columns, labels, classes, limits, helpers, progress);
  return fittedTree('DTClassifier', params, grown);
}

/** Like {@link fitNumbers}, with the help of other threads if that saves time. The tree is the same. */
export async function fitNumbersTogether(
  columns: readonly Float64Array[],
  targets: Float64Array,
  params: TreeParams,
  helpers: Helpers | undefined,
  report?: Report,
): Promise<FittedTree<'DTRegression'>> {
  if (!isWorthHelp(helpers, targets.length, columns.length))
    return fitNumbers(columns, targets, params, report);
  const progress = scaleReport(report, SORTED, 1);
  const grown = await growTogether(columns, targets, 0, limitsOf(params), helpers, progress);
  return fittedTree('DTRegression', params, grown);
}

/** @param classes the number of classes, 0 for numbers */
function grow(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  params: TreeParams,
  report: Report | undefined,
): GrownTree {
  const limits = limitsOf(params);
  const criterion = makeCriterion(classes, targets.length, limits);
  const block = sortBlock(columns, targets, criterion.listed, criterion.counter.width);
  return growTree(columns, block, criterion, limits, scaleReport(report, SORTED, 1));
}

function limitsOf(params: TreeParams): GrowthLimits {
  return {
    maxDepth: params.max_depth,
    minSplit: params.min_samples_split,
    minLeaf: params.min_samples_leaf ?? 1,
    minDrop: params.min_gain,
  };
}

function optionsOf(kind: NodeOptions['kind'], params: TreeParams): NodeOptions {
  return {
    kind,
    gainFunction: kind === 'classifier' ? 'gini' : 'regression',
    splitFunction: 'mean',
    // ml-cart stops at this many rows or fewer. Here a node stops at fewer than min_samples_split.
    minNumSamples: params.min_samples_split - 1,
    maxDepth: Number.isFinite(params.max_depth) ? params.max_depth : null,
    gainThreshold: params.min_gain,
  };
}

/** ml-cart has no least size of a leaf, so the options have one only if it is more than 1. */
function fittedTree<Name extends TreeName>(
  name: Name,
  params: TreeParams,
  grown: GrownTree,
): FittedTree<Name> {
  const nodeOptions = optionsOf(name === 'DTClassifier' ? 'classifier' : 'regression', params);
  const minLeaf = params.min_samples_leaf ?? 1;
  const options = minLeaf > 1 ? { ...nodeOptions, minSamplesLeaf: minLeaf } : { ...nodeOptions };
  return { name, options, nodeOptions, grown };
}
