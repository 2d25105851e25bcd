import { formatDays } from '../../csv/dates.ts';
import type { Encoder } from '../../features/encoder.ts';
import type { Outline } from '../estimator.ts';
import type { FlatTree } from './flat-tree.ts';

/** More words than this in a question are counted, not listed. */
const MOST_WORDS = 3;

/**
 * Returns the decisions of a tree in the words of its encoder. Whole levels are kept, from the root, and the levels
 * below them are folded.
 * @param most the maximum number of nodes
 */
export function outlineTree(tree: FlatTree, encoder: Encoder, most: number): Outline {
  const levels = countLevels(tree, most);
  const build = (node: number, level: number): Outline => {
    const right = tree.links[4 * node + 2]!;
    if (right === node) return describeLeaf(tree, node, encoder);
    if (level === levels) return { kind: 'folded', leaves: countLeaves(tree, node) };
    const samples = tree.samples[node]!;
    return {
      kind: 'question',
      text: describeSplit(encoder, tree.links[4 * node + 3]!, tree.thresholds[2 * node]!),
      rows: Number.isNaN(samples) ? null : samples,
      yes: build(right - 1, level + 1),
      no: build(right, level + 1),
    };
  };
  return build(0, 1);
}

/** The number of levels from the root that have no more than `most` nodes together, at least 1. */
function countLevels({ links }: FlatTree, most: number): number {
  let [levels, room] = [0, most];
  for (let level = [0]; level.length > 0 && level.length <= room; levels++) {
    room -= level.length;
    level = level.flatMap((node) => {
      const right = links[4 * node + 2]!;
      return right === node ? [] : [right - 1, right];
    });
  }
  return Math.max(1, levels);
}

function countLeaves({ links }: FlatTree, root: number): number {
  let leaves = 0;
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const right = links[4 * node + 2]!;
    if (right === node) leaves++;
    else open.push(right - 1, right);
  }
  return leaves;
}

function describeLeaf({ answers, gains }: FlatTree, node: number, { classes }: Encoder): Outline {
  const answer = answers[node]!;
  if (classes === undefined)
    return { kind: 'answer', text: shortNumber(answer), share: null, index: 0 };
  return { kind: 'answer', text: classes[answer]!, share: gains[node]!, index: answer };
}

/**
 * The condition under which a row goes left. A word that the train rows do not have goes the way of the most frequent
 * one, so a question names the words of the other side. Under an encoder of schema 1 it goes left at every split.
 */
function describeSplit({ features, unseen }: Encoder, feature: number, threshold: number): string {
  const column = features[feature]!;
  const { name } = column;
  if (column.type === 'date' && column.part === undefined)
    return `${name} < ${formatDays(threshold)}`;
  if (column.type !== 'category') return `${name} < ${shortNumber(threshold)}`;
  const cut = Math.ceil(threshold);
  const [left, right] = [column.categories.slice(0, cut), column.categories.slice(cut)];
  if (unseen === 'missing')
    return left.includes(column.most_frequent ?? '')
      ? `${name} is not ${listWords(right)}`
      : `${name} is ${listWords(left)}`;
  if (right.length <= left.length) return `${name} is not ${listWords(right)}`;
  return left.length === 0 ? `${name} is new` : `${name} is ${listWords(left)}, or new`;
}

function listWords(words: readonly string[]): string {
  if (words.length > MOST_WORDS)
    return `one of ${words.length} from ${words[0]} to ${words.at(-1)}`;
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** At most six significant digits, which are enough to recognise a threshold. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
