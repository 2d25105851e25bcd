/**
 * A node as ml-cart writes it, the options of the tree in each. An inner node has `left` (rows whose
 * feature number `splitColumn` is less than `splitValue`) and `right`. A leaf has `distribution`: of
 * classes, one row with the share of each up to the last that occurs; of numbers, their mean. A leaf may
 * carry the split that was tried in vain, and a gain of null where there was none to try.
 */
export interface TreeNode {
  readonly distribution?: number | readonly (readonly number[])[];
  readonly splitColumn?: number;
  readonly splitValue?: number | null;
  /** Of classes, how much the split lowers the gini impurity; of numbers, the squared error it leaves. */
  readonly gain?: number | null;
  readonly numberSamples?: number;
  readonly left?: TreeNode;
  readonly right?: TreeNode;
}

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

/** A tree in ml-cart's JSON: `DecisionTreeClassifier.load` or `DecisionTreeRegression.load` takes it as it is. */
export interface Tree<Name extends 'DTClassifier' | 'DTRegression'> {
  readonly name: Name;
  readonly options: Readonly<Record<string, unknown>>;
  readonly root: TreeNode;
}
