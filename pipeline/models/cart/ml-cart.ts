/** What ml-cart writes into the tree and, all but this type says so too, into every node. */
export interface NodeOptions {
  readonly kind: 'classifier' | 'regression';
  readonly gainFunction: 'gini' | 'regression';
  readonly splitFunction: 'mean';
  /** A node with this many rows or fewer is a leaf. */
  readonly minNumSamples: number;
  /** Null for no limit, as JSON has no Infinity. */
  readonly maxDepth: number | null;
  readonly gainThreshold: number;
}
