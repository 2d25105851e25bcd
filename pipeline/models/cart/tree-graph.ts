import { type Graph, TYPES, type Value } from '../../onnx/graph.ts';
import type { GraphPrediction } from '../estimator.ts';
import { toProbabilities } from '../estimator.ts';
import { type FlatTree, findMostLikely } from './flat-tree.ts';

/** `x < threshold` among the modes of nodes. */
const LESS_THAN = 1;

/**
 * Adds a tree's walk to an ONNX graph. A row goes left if its feature is below the threshold, as float64.
 * @param rows the encoded rows, a column for each feature
 * @param weights the result of each leaf, by node; see {@link listAnswers}
 * @returns a float64 for each row: the weight of its leaf
 */
function addWalk(graph: Graph, tree: FlatTree, rows: Value, weights: ArrayLike<number>): Value {
  const { nodes, thresholds, links } = tree;
  const isLeaf = (node: number): boolean => links[4 * node + 2] === node;
  // ONNX numbers inner nodes and leaves apart.
  const places = new Int32Array(nodes);
  let [inner, leaves] = [0, 0];
  for (let node = 0; node < nodes; node++) places[node] = isLeaf(node) ? leaves++ : inner++;
  // A tree of ONNX has at least one inner node. Both ways from it lead to the only leaf.
  const count = Math.max(1, inner);
  const [features, left, right] = [ints(count), ints(count), ints(count)];
  const [leftIsLeaf, rightIsLeaf] = [ints(count).fill(1), ints(count).fill(1)];
  const splits = new Float64Array(count);
  const leafWeights = new Float64Array(leaves);
  for (let node = 0; node < nodes; node++) {
    const at = places[node]!;
    if (isLeaf(node)) {
      leafWeights[at] = weights[node]!;
      continue;
    }
    const child = links[4 * node + 2]!;
    features[at] = links[4 * node + 3]!;
    splits[at] = thresholds[2 * node]!;
    [left[at], right[at]] = [places[child - 1]!, places[child]!];
    [leftIsLeaf[at], rightIsLeaf[at]] = [Number(isLeaf(child - 1)), Number(isLeaf(child))];
  }
  const result = graph.addMlOperator('TreeEnsemble', [rows], {
    n_targets: 1,
    tree_roots: [0],
    nodes_featureids: features,
    nodes_splits: { tensor: splits },
    nodes_modes: { tensor: new Uint8Array(count).fill(LESS_THAN) },
    nodes_truenodeids: left,
    nodes_trueleafs: leftIsLeaf,
    nodes_falsenodeids: right,
    nodes_falseleafs: rightIsLeaf,
    leaf_targetids: ints(leaves),
    leaf_weights: { tensor: leafWeights },
  });
  return graph.add('Reshape', [result, graph.constant(BigInt64Array.of(-1n), [1])]);
}

function ints(length: number): Int32Array {
  return new Int32Array(length);
}

/**
 * Lists the different shares of classes in the leaves of a tree. Grown to the end, a tree of any size has one for each
 * class.
 * @returns the shares, and for each leaf the index of its shares, by node
 */
function listAnswers(tree: FlatTree): {
  answers: readonly (readonly number[])[];
  indexes: Int32Array;
} {
  const answers: (readonly number[])[] = [];
  const indexes = new Int32Array(tree.nodes);
  const known = new Map<string, number>();
  for (let node = 0; node < tree.nodes; node++) {
    if (tree.links[4 * node + 2] !== node) continue;
    const shares = tree.shares![node]!;
    const key = shares.join();
    let index = known.get(key);
    if (index === undefined) {
      index = answers.push(shares) - 1;
      known.set(key, index);
    }
    indexes[node] = index;
  }
  return { answers, indexes };
}

/** Adds the predictions of a tree to an ONNX graph. A tree of classes must have kept its shares. */
export function addTree(
  graph: Graph,
  tree: FlatTree,
  rows: Value,
  classes: number,
): GraphPrediction {
  if (classes === 0) return { numbers: addWalk(graph, tree, rows, tree.answers) };
  const { answers, indexes } = listAnswers(tree);
  const index = graph.add('Cast', [addWalk(graph, tree, rows, indexes)], { to: TYPES.int64 });
  const shares = new Float64Array(answers.length * classes);
  for (const [i, answer] of answers.entries())
    shares.set(toProbabilities(answer, classes), i * classes);
  const best = BigInt64Array.from(answers, (answer) => BigInt(findMostLikely(answer)));
  return {
    classes: graph.add('Gather', [graph.constant(best, [answers.length]), index]),
    shares: graph.add('Gather', [graph.constant(shares, [answers.length, classes]), index]),
  };
}
