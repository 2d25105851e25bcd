import { innerNode, splitLeaf, unsearchedLeaf, unsplitLeaf } from './make-node.ts';
import type { NodeOptions, TreeNode } from './ml-cart.ts';

/** Nodes in arrays that grow: a parent before its children, these side by side. */
export class GrownTree {
  size = 0;
  #feature = new Int32Array(64);
  #threshold = new Float64Array(64);
  #gain = new Float64Array(64);
  #rows = new Int32Array(64);
  /** The left child, or 0 at a leaf; the right child is the next. */
  #left = new Int32Array(64);
  readonly #distribution: (number | number[][] | null)[] = [];

  /** Adds a node of which nothing is known yet; returns its number. */
  add(): number {
    const node = this.size++;
    if (node === this.#feature.length) this.#grow();
    this.#feature[node] = UNSEARCHED;
    this.#distribution.push(null);
    return node;
  }

  /** No cut was found at a node. */
  setUnsplit(node: number): void {
    this.#feature[node] = UNSPLIT;
  }

  /** The best cut of a node, be it made or not. */
  setSplit(node: number, feature: number, threshold: number, gain: number, rows: number): void {
    this.#feature[node] = feature;
    this.#threshold[node] = threshold;
    this.#gain[node] = gain;
    this.#rows[node] = rows;
  }

  setLeaf(node: number, distribution: number | number[][]): void {
    this.#distribution[node] = distribution;
  }

  /** Adds the children of a node; returns the number of the left one. */
  addChildren(node: number): number {
    const left = this.add();
    this.add();
    this.#left[node] = left;
    return left;
  }

  /** The root in ml-cart's shape, with the options in every node. */
  toNodes(options: NodeOptions): TreeNode {
    // Children come after their parent, so backwards they are there when it is made.
    const nodes: TreeNode[] = [];
    nodes.length = this.size;
    for (let i = this.size - 1; i >= 0; i--) nodes[i] = this.#toNode(i, options, nodes);
    return nodes[0]!;
  }

  #toNode(i: number, options: NodeOptions, nodes: readonly TreeNode[]): TreeNode {
    const feature = this.#feature[i]!;
    const distribution = this.#distribution[i]!;
    if (feature === UNSEARCHED) return unsearchedLeaf(options, distribution);
    if (feature === UNSPLIT) return unsplitLeaf(options, distribution);
    const threshold = this.#threshold[i]!;
    const gain = Number.isFinite(this.#gain[i]!) ? this.#gain[i]! : null;
    const rows = this.#rows[i]!;
    const left = this.#left[i]!;
    return left === 0
      ? splitLeaf(options, threshold, feature, gain, rows, distribution)
      : innerNode(options, threshold, feature, gain, rows, nodes[left]!, nodes[left + 1]!);
  }

  #grow(): void {
    const doubled = <T extends Int32Array | Float64Array>(old: T, grown: T): T => {
      grown.set(old);
      return grown;
    };
    const size = 2 * this.size;
    this.#feature = doubled(this.#feature, new Int32Array(size));
    this.#threshold = doubled(this.#threshold, new Float64Array(size));
    this.#gain = doubled(this.#gain, new Float64Array(size));
    this.#rows = doubled(this.#rows, new Int32Array(size));
    this.#left = doubled(this.#left, new Int32Array(size));
  }
}

/** Stand where the feature would: too few rows to look for a cut, and none found. */
const UNSEARCHED = -1;
const UNSPLIT = -2;
