import { JsonScanner } from './json-scanner.ts';
import { type FlatTree, FlatTreeMaker, findMostLikely } from './flat-tree.ts';

/** A node that is being read. */
interface OpenNode {
  readonly node: number;
  /** For a leaf, its prediction and the share of that class. */
  answer: number | undefined;
  share: number;
  shares: readonly number[] | undefined;
  /** Its left child, when one of its children has been begun. The right child follows it. */
  left: number | undefined;
  /** Its children that have been begun: 1 is the left one, 2 the right one, 3 both. */
  children: number;
  feature: number;
  threshold: number;
  gain: number;
  samples: number;
}

/**
 * Reads a tree in ml-cart's JSON into arrays, piece by piece and without recursion, so that size and depth have no
 * limit. Fields may have any order. Unknown fields are skipped.
 * @param keepsShares whether the leaves keep the shares of all classes
 * @returns the tree, its name, and the importance of its features; undefined for what the JSON does not have
 * @throws SyntaxError when it is not JSON; RangeError when it is not a tree
 */
export function readTree(
  pieces: Iterable<Uint8Array>,
  keepsShares = false,
): {
  name: string | undefined;
  importance: number[] | undefined;
  tree: FlatTree;
} {
  const json = new JsonScanner(pieces);
  let name: string | undefined;
  let importance: number[] | undefined;
  let tree: FlatTree | undefined;
  json.expect('{');
  if (!json.takes('}')) {
    do {
      const key = json.word();
      json.expect(':');
      if (key === 'name' && json.peek() === QUOTE) name = json.word();
      else if (key === 'importance') importance = readNumbers(json);
      else if (key === 'root') tree = readNodes(json, keepsShares);
      else json.skip();
    } while (json.takes(','));
    json.expect('}');
  }
  json.end();
  if (tree === undefined) throw new RangeError('it has no root');
  return { name, importance, tree };
}

const QUOTE = 0x22;

function readNodes(json: JsonScanner, keepsShares: boolean): FlatTree {
  const maker = new FlatTreeMaker(undefined, keepsShares);
  const open = [beginNode(json, maker.add(1))];
  let isFirst = true;
  for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
    if (isFirst ? json.takes('}') : !json.takes(',')) {
      if (!isFirst) json.expect('}');
      finishNode(maker, open.pop()!);
      isFirst = false;
      continue;
    }
    const key = json.word();
    json.expect(':');
    isFirst = key === 'left' || key === 'right';
    if (isFirst) {
      const side = key === 'left' ? 1 : 2;
      if ((node.children & side) !== 0) throw new RangeError(`it has a node with two of ${key}`);
      node.left ??= maker.add(2);
      node.children |= side;
      open.push(beginNode(json, key === 'left' ? node.left : node.left + 1));
    } else {
      readField(json, key, node);
    }
  }
  return maker.finish();
}

function beginNode(json: JsonScanner, node: number): OpenNode {
  json.expect('{');
  return {
    node,
    answer: undefined,
    share: 1,
    shares: undefined,
    left: undefined,
    children: 0,
    feature: Number.NaN,
    threshold: Number.NaN,
    gain: Number.NaN,
    samples: Number.NaN,
  };
}

function readField(json: JsonScanner, key: string, node: OpenNode): void {
  if (key === 'splitColumn') node.feature = json.number();
  else if (key === 'splitValue') node.threshold = json.numberOrNull();
  else if (key === 'gain') node.gain = json.numberOrNull();
  else if (key === 'numberSamples') node.samples = json.number();
  else if (key === 'distribution') readAnswer(json, node);
  else json.skip();
}

/** Reads a mean, or the shares of classes in the first row of a matrix. */
function readAnswer(json: JsonScanner, node: OpenNode): void {
  if (!json.takes('[')) {
    node.answer = json.number();
    return;
  }
  const shares = readNumbers(json);
  while (json.takes(',')) json.skip();
  json.expect(']');
  node.shares = shares;
  node.answer = findMostLikely(shares);
  node.share = shares[node.answer]!;
}

function readNumbers(json: JsonScanner): number[] {
  const numbers: number[] = [];
  json.expect('[');
  do numbers.push(json.number());
  while (json.takes(','));
  json.expect(']');
  return numbers;
}

function finishNode(maker: FlatTreeMaker, read: OpenNode): void {
  const { node, answer, share, shares, left, children, feature, threshold, gain, samples } = read;
  if (answer !== undefined && left === undefined) {
    maker.setLeaf(node, answer, share, shares);
    return;
  }
  const isSplit = answer === undefined && left !== undefined && children === 3;
  if (!isSplit || !Number.isInteger(feature) || feature < 0 || Number.isNaN(threshold))
    throw new RangeError('it has a node that is neither a leaf nor a split');
  maker.setSplit(node, { feature, threshold, left, gain, samples });
}
