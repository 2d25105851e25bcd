import { type FlatTree, FlatTreeMaker, likeliest } from './flat-tree.ts';
import { type Distribution, type GrownTree, UNSEARCHED, UNSPLIT } from './grown-tree.ts';
import type { NodeOptions, Tree, TreeNode } from './ml-cart.ts';
import { pureShare } from './ml-cart-gini.ts';

/**
 * A tree just fitted, in compact arrays. It is ml-cart's tree to whoever asks for its `root`, which is
 * made of objects then and is costly; what is stored is written from the arrays.
 */
export class FittedTree<
  Name extends 'DTClassifier' | 'DTRegression' = 'DTClassifier' | 'DTRegression',
> implements Tree<Name> {
  readonly name: Name;
  readonly options: Readonly<Record<string, unknown>>;
  readonly nodeOptions: NodeOptions;
  readonly grown: GrownTree;
  /** Each feature's share of what the splits gain, where it is told. */
  readonly importance: readonly number[] | undefined;
  #root: TreeNode | undefined;
  #flat: FlatTree | undefined;

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

  get root(): TreeNode {
    this.#root ??= this.#toNodes();
    return this.#root;
  }

  /** The tree to walk. */
  get flat(): FlatTree {
    this.#flat ??= this.#flatten();
    return this.#flat;
  }

  /** For `JSON.stringify`: what ml-cart reads. */
  toJSON(): Tree<Name> {
    return { name: this.name, options: this.options, root: this.root };
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

  #flatten(): FlatTree {
    const { size, features, thresholds, gains, rows, lefts, values, shares } = this.grown;
    const maker = new FlatTreeMaker(size);
    for (let i = 0; i < size; i++) {
      maker.add(1);
      const left = lefts[i]!;
      if (left === 0) {
        const several = shares.get(i);
        maker.setLeaf(i, several === undefined ? values[i]! : likeliest(several));
      } else {
        const [feature, threshold] = [features[i]!, thresholds[i]!];
        const gain = Number.isFinite(gains[i]!) ? gains[i]! : Number.NaN;
        maker.setSplit(i, { feature, threshold, left, gain, samples: rows[i]! });
      }
    }
    return maker.finish();
  }

  #toNodes(): TreeNode {
    // Children come after their parent, so backwards they are there when it is made.
    const nodes: TreeNode[] = [];
    nodes.length = this.grown.size;
    for (let i = this.grown.size - 1; i >= 0; i--) nodes[i] = this.#toNode(i, nodes);
    return nodes[0]!;
  }

  #toNode(i: number, nodes: readonly TreeNode[]): TreeNode & NodeOptions {
    const { features, thresholds, gains, rows, lefts } = this.grown;
    const [feature, left] = [features[i]!, lefts[i]!];
    const below =
      left === 0
        ? { distribution: this.distributionOf(i) }
        : { left: nodes[left]!, right: nodes[left + 1]! };
    if (feature === UNSEARCHED) return { ...this.nodeOptions, ...below };
    if (feature === UNSPLIT) return { ...this.nodeOptions, gain: null, ...below };
    return {
      ...this.nodeOptions,
      splitValue: thresholds[i]!,
      splitColumn: feature,
      gain: Number.isFinite(gains[i]!) ? gains[i]! : null,
      numberSamples: rows[i]!,
      ...below,
    };
  }
}
