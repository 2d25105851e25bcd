import type { NodeOptions, TreeNode } from './ml-cart.ts';

// The four kinds of node, each from one literal that names every field: spreading the options would be
// shorter, and ten times slower for a tree of a million nodes.

type Distribution = NonNullable<TreeNode['distribution']>;

/** A leaf that had too few rows to look for a cut. */
export function unsearchedLeaf(o: NodeOptions, distribution: Distribution): TreeNode & NodeOptions {
  return {
    kind: o.kind,
    gainFunction: o.gainFunction,
    splitFunction: o.splitFunction,
    minNumSamples: o.minNumSamples,
    maxDepth: o.maxDepth,
    gainThreshold: o.gainThreshold,
    distribution,
  };
}

/** A leaf in which no cut was found. */
export function unsplitLeaf(o: NodeOptions, distribution: Distribution): TreeNode & NodeOptions {
  return {
    kind: o.kind,
    gainFunction: o.gainFunction,
    splitFunction: o.splitFunction,
    minNumSamples: o.minNumSamples,
    maxDepth: o.maxDepth,
    gainThreshold: o.gainThreshold,
    gain: null,
    distribution,
  };
}

/** A leaf whose best cut was not made, for the depth or the gain. */
export function splitLeaf(
  o: NodeOptions,
  splitValue: number,
  splitColumn: number,
  gain: number | null,
  numberSamples: number,
  distribution: Distribution,
): TreeNode & NodeOptions {
  return {
    kind: o.kind,
    gainFunction: o.gainFunction,
    splitFunction: o.splitFunction,
    minNumSamples: o.minNumSamples,
    maxDepth: o.maxDepth,
    gainThreshold: o.gainThreshold,
    splitValue,
    splitColumn,
    gain,
    numberSamples,
    distribution,
  };
}

/** A node with children. */
export function innerNode(
  o: NodeOptions,
  splitValue: number,
  splitColumn: number,
  gain: number | null,
  numberSamples: number,
  left: TreeNode,
  right: TreeNode,
): TreeNode & NodeOptions {
  return {
    kind: o.kind,
    gainFunction: o.gainFunction,
    splitFunction: o.splitFunction,
    minNumSamples: o.minNumSamples,
    maxDepth: o.maxDepth,
    gainThreshold: o.gainThreshold,
    splitValue,
    splitColumn,
    gain,
    numberSamples,
    left,
    right,
  };
}
