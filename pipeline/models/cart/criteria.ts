import type { Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import { Gini } from './gini.ts';
import { SquaredError } from './squared-error.ts';
import type { GrowthLimits } from './task.ts';

/**
 * Makes the criterion of a tree.
 * @param classes the number of classes of the target, 0 when it is a number
 * @param rows of the largest block
 */
export function makeCriterion(
  classes: number,
  rows: number,
  limits: GrowthLimits,
): Criterion<Targets> {
  const criterion = classes === 0 ? new SquaredError(rows, limits.minDrop) : new Gini(classes);
  return criterion;
}
