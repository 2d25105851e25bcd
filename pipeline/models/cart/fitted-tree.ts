import { type Distribution, type GrownTree } from './grown-tree.ts';
import type { NodeOptions } from './ml-cart.ts';
import { pureShare } from './ml-cart-gini.ts';

/** What ml-cart calls a classification tree and a regression tree. */
export type TreeName = 'DTClassifier' | 'DTRegression';

/** A tree just fitted, in compact arrays: what is stored is written from them. */
export class FittedTree<Name extends TreeName = TreeName> {
  readonly name: Name;
  readonly options: Readonly<Record<string, unknown>>;
  readonly nodeOptions: NodeOptions;
  readonly grown: GrownTree;
  /** Each feature's share of what the splits gain, where it is told. */
  readonly importance: readonly number[] | undefined;

  constructor(
    name: Name,
    options: Readonly<Record<string, unknown>>,
    nodeOptions: NodeOptions,
    grown: GrownTree,
    importance?: readonly number[],
  ) {
    this.name = name;
    this.options = options;
    this.nodeOptions = nodeOptions;
    this.grown = grown;
    this.importance = importance;
  }

  /** The same tree, that tells the importance of its features. */
  withImportance(importance: readonly number[]): FittedTree<Name> {
    return new FittedTree(this.name, this.options, this.nodeOptions, this.grown, importance);
  }

  /** What a leaf predicts. */
  distributionOf(leaf: number): Distribution {
    const { values, rows, shares } = this.grown;
    const value = values[leaf]!;
    if (this.name === 'DTRegression') return value;
    const several = shares.get(leaf);
    if (several !== undefined) return [several];
    return [[...Array.from({ length: value }, () => 0), pureShare(rows[leaf]!)]];
  }
}
