import type { TreeNode } from './ml-cart.ts';

/**
 * A tree to walk: 16 bytes a node, so that a step costs one line of the processor's cache, and children
 * side by side, so that a step needs no branch. Node 0 is the root. A leaf is its own right child and,
 * its threshold being NaN, no row goes left of it: walking on from a leaf stays there.
 */
export interface FlatTree {
  readonly nodes: number;
  readonly leaves: number;
  /** Splits from the root to the deepest leaf. */
  readonly depth: number;
  /** The features that occur, ascending. */
  readonly features: readonly number[];
  /** Of node i at 2i: rows less than this go left. */
  readonly thresholds: Float64Array;
  /** Of node i, in the same memory: its right child at 4i + 2, after its left one; its feature at 4i + 3. */
  readonly links: Int32Array;
  /** Of a leaf: the index of its likeliest class, the first among equals, or its mean. */
  readonly answers: Float64Array;
}

/** Flattens a tree without recursion, so that any depth will do; a subtree's nodes stand close together. */
export function flattenTree(root: TreeNode): FlatTree {
  const nodes: TreeNode[] = [root];
  const rights: number[] = [0];
  const open: { at: number; depth: number }[] = [{ at: 0, depth: 0 }];
  let deepest = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at } = next;
    const { distribution, left, right } = nodes[at]!;
    // As in ml-cart's `load`: whatever else it carries, a node with a distribution is a leaf.
    if (distribution !== undefined || !left || !right) continue;
    const depth = next.depth + 1;
    if (depth > deepest) deepest = depth;
    const second = nodes.length + 1;
    nodes.push(left, right);
    rights.push(second - 1, second);
    rights[at] = second;
    open.push({ at: second, depth }, { at: second - 1, depth });
  }
  return {
    ...pack(nodes, rights),
    nodes: nodes.length,
    leaves: (nodes.length + 1) / 2,
    depth: deepest,
  };
}

function pack(
  nodes: readonly TreeNode[],
  rights: readonly number[],
): Pick<FlatTree, 'thresholds' | 'links' | 'answers' | 'features'> {
  const memory = new ArrayBuffer(16 * nodes.length);
  const thresholds = new Float64Array(memory);
  const links = new Int32Array(memory);
  const answers = new Float64Array(nodes.length);
  const used = new Set<number>();
  for (let i = 0; i < nodes.length; i++) {
    const isLeaf = rights[i] === i;
    thresholds[2 * i] = isLeaf ? Number.NaN : nodes[i]!.splitValue!;
    links[4 * i + 2] = rights[i]!;
    links[4 * i + 3] = isLeaf ? 0 : nodes[i]!.splitColumn!;
    if (!isLeaf) used.add(nodes[i]!.splitColumn!);
    answers[i] = isLeaf ? answerOf(nodes[i]!) : Number.NaN;
  }
  return { thresholds, links, answers, features: [...used].sort((a, b) => a - b) };
}

function answerOf({ distribution = [] }: TreeNode): number {
  return typeof distribution === 'number' ? distribution : likeliest(distribution[0] ?? []);
}

function likeliest(shares: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < shares.length; i++) if (shares[i]! > shares[best]!) best = i;
  return best;
}
