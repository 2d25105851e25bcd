import { canonicalJson } from '../../../contract/canonical-json.ts';
import { pureShare } from './class-counts.ts';
import { type GrownTree, UNSEARCHED, UNSPLIT } from './grown-tree.ts';

/** ml-cart's names for a classification tree and a regression tree. */
export type TreeName = 'DTClassifier' | 'DTRegression';

/** A tree after its fit, in compact arrays. */
export interface FittedTree<Name extends TreeName = TreeName> {
  readonly name: Name;
  readonly options: Readonly<Record<string, unknown>>;
  readonly nodeOptions: NodeOptions;
  readonly grown: GrownTree;
}

/** The approximate number of characters in a piece. */
const PIECE = 1 << 18;

/**
 * Writes a tree in ml-cart's JSON. The text is the one that `canonicalJson` returns for its nodes. It is written from
 * the arrays, piece by piece and without recursion, so that memory never holds the whole text. Fields are in
 * code-point order.
 * @param importance the importance of each feature, which ml-cart's JSON of a regression does not have
 * @returns ASCII
 */
export function* writeTree(
  tree: FittedTree,
  importance?: readonly number[],
): Generator<Uint8Array> {
  const { name, options, grown } = tree;
  const text = new Fields(tree);
  const encoder = new TextEncoder();
  const first = importance === undefined ? '' : `"importance":${canonicalJson(importance)},`;
  let piece = `{${first}"name":${canonicalJson(name)},"options":${canonicalJson(options)},"root":`;
  // Parts to write. For node i, 3i is the text up to its left child, 3i + 1 up to its right child, 3i + 2 its end.
  const todo: number[] = [0];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const step = next % 3;
    const node = (next - step) / 3;
    const left = grown.lefts[node]!;
    if (left === 0) {
      piece += text.leaf(node);
    } else if (step === 2) {
      piece += text.afterRight(node);
    } else {
      piece += step === 0 ? text.upToLeft(node) : text.upToRight(node);
      todo.push(next + 1, 3 * (left + step));
    }
    if (piece.length < PIECE) continue;
    yield encoder.encode(piece);
    piece = '';
  }
  yield encoder.encode(`${piece}}`);
}

/** Writes the text of nodes. */
class Fields {
  readonly #tree: FittedTree;
  readonly #gain: string;
  readonly #limits: string;
  readonly #split: string;
  readonly #pure = new Map<number, string>();

  constructor(tree: FittedTree) {
    this.#tree = tree;
    const { gainFunction, gainThreshold, kind, maxDepth, minNumSamples, splitFunction } =
      tree.nodeOptions;
    const inner = (fields: unknown): string => canonicalJson(fields).slice(1, -1);
    this.#gain = inner({ gainFunction, gainThreshold, kind });
    this.#limits = inner({ maxDepth, minNumSamples });
    this.#split = inner({ splitFunction });
  }

  upToLeft(node: number): string {
    return `{"gain":${this.#gainOf(node)},${this.#gain},"left":`;
  }

  upToRight(node: number): string {
    const rows = this.#tree.grown.rows[node]!;
    return `,${this.#limits},"numberSamples":${rows},"right":`;
  }

  afterRight(node: number): string {
    const { features, thresholds } = this.#tree.grown;
    return `,"splitColumn":${features[node]!},${this.#split},"splitValue":${thresholds[node]!}}`;
  }

  leaf(node: number): string {
    const { features, thresholds, rows } = this.#tree.grown;
    const feature = features[node]!;
    const head = `{"distribution":${this.#distributionOf(node)}`;
    const tail = `${this.#gain},${this.#limits}`;
    if (feature === UNSEARCHED) return `${head},${tail},${this.#split}}`;
    if (feature === UNSPLIT) return `${head},"gain":null,${tail},${this.#split}}`;
    return (
      `${head},"gain":${this.#gainOf(node)},${tail},"numberSamples":${rows[node]!}` +
      `,"splitColumn":${feature},${this.#split},"splitValue":${thresholds[node]!}}`
    );
  }

  #gainOf(node: number): string {
    const gain = this.#tree.grown.gains[node]!;
    return Number.isFinite(gain) ? String(gain) : 'null';
  }

  /** Returns the prediction of a leaf: a mean, or one row with the share of each class up to the last that occurs. */
  #distributionOf(node: number): string {
    const { values, rows, shares } = this.#tree.grown;
    if (this.#tree.name === 'DTRegression') return String(values[node]!);
    const several = shares.get(node);
    if (several !== undefined) return JSON.stringify([several]);
    // Most leaves have one class and few rows, so their texts are kept.
    const key = values[node]! * 2 ** 32 + rows[node]!;
    let text = this.#pure.get(key);
    if (text === undefined) {
      const zeros = Array.from({ length: values[node]! }, () => 0);
      text = JSON.stringify([[...zeros, pureShare(rows[node]!)]]);
      if (this.#pure.size < MOST_TEXTS) this.#pure.set(key, text);
    }
    return text;
  }
}

const MOST_TEXTS = 1024;

/** The options that ml-cart writes into the tree and into every node. */
export interface NodeOptions {
  readonly kind: 'classifier' | 'regression';
  readonly gainFunction: 'gini' | 'regression';
  readonly splitFunction: 'mean';
  /** A node with this many rows or fewer is a leaf. */
  readonly minNumSamples: number;
  /** Null when there is no limit, because JSON has no Infinity. */
  readonly maxDepth: number | null;
  readonly gainThreshold: number;
}
