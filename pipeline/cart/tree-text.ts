import { canonicalJson } from '../canonical-json.ts';
import type { NodeOptions, Tree, TreeNode } from './ml-cart.ts';

type AnyNode = Partial<NodeOptions> & TreeNode;

/**
 * A tree as canonical JSON: the text `canonicalJson` makes, which is recursive and takes half as long as
 * training. This is not and does not, so that any depth and a million nodes will do. Fields are in
 * code-point order.
 */
export function treeText({ name, options, root }: Tree<'DTClassifier' | 'DTRegression'>): string {
  const texts = [`{"name":${canonicalJson(name)},"options":${canonicalJson(options)},"root":`];
  const todo: (AnyNode | string)[] = ['}', root];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string') {
      texts.push(next);
      continue;
    }
    const { left, right } = next;
    if (left === undefined || right === undefined) {
      texts.push('{', (upToLeft(next) + upToRight(next) + afterRight(next)).slice(1), '}');
      continue;
    }
    texts.push('{', `${upToLeft(next)},"left":`.slice(1));
    todo.push(`${afterRight(next)}}`, right, `${upToRight(next)},"right":`, left);
  }
  return texts.join('');
}

function upToLeft(node: AnyNode): string {
  return (
    field(',"distribution":', node.distribution) +
    field(',"gain":', node.gain) +
    field(',"gainFunction":', node.gainFunction) +
    field(',"gainThreshold":', node.gainThreshold) +
    field(',"kind":', node.kind)
  );
}

function upToRight(node: AnyNode): string {
  return (
    field(',"maxDepth":', node.maxDepth) +
    field(',"minNumSamples":', node.minNumSamples) +
    field(',"numberSamples":', node.numberSamples)
  );
}

function afterRight(node: AnyNode): string {
  return (
    field(',"splitColumn":', node.splitColumn) +
    field(',"splitFunction":', node.splitFunction) +
    field(',"splitValue":', node.splitValue)
  );
}

/** As `JSON.stringify`, which is slow to call for one number or word. */
function field(name: string, value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'number' && Number.isFinite(value)) return name + String(value);
  return name + JSON.stringify(value);
}
