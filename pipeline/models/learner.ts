import type { Crew } from './cart/crew.ts';
import type { FittedTree } from './cart/fitted-tree.ts';
import type { Encoder } from '../features/encoder.ts';
import type { Matrix } from '../features/matrix.ts';
import type { MetricSet } from '../../contract/metric-sets.ts';
import type { Report } from '../progress.ts';
import type { TreeModel, TreeName, TreeParams } from './tree.ts';

/** What a model learnt and how well, for one kind of target: a file of this type for each. */
export interface Learner {
  readonly metrics: MetricSet;
  /** What ml-cart calls its trees. */
  readonly tree: TreeName;
  /**
   * Fits a model on encoded train rows, with the help of other threads where it pays.
   * @throws BadData when it cannot be fitted on them
   */
  readonly fit: (
    matrix: Matrix,
    encoder: Encoder,
    params: TreeParams,
    crew: Crew | undefined,
    report: Report,
  ) => Promise<FittedTree>;
  /** Scores a model on encoded test rows; null when there are none, for then no score means anything. */
  readonly score: (model: TreeModel, matrix: Matrix, encoder: Encoder) => Scored | null;
}

/** How a model did on some rows. */
export interface Scored {
  readonly rows: number;
  /** By the names of its metric set, with intervals. */
  readonly numbers: Readonly<Record<string, number>>;
  /** What the metrics file has beside the numbers, by name. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What a report shows beyond the numbers, as HTML. */
  readonly sections: () => string[];
}
