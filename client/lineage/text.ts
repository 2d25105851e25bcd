import { bytes } from '../format.ts';
import { fold } from './fold.ts';
import { KINDS, shortHash, type Lineage } from './graph.ts';

/** The lineage as a tree for the terminal: each kind under the one it is made from. */
export function lineageText(lineage: Lineage): string {
  const { nodes } = fold(lineage);
  const kinds = KINDS.filter((kind) => nodes.some((node) => node.kind === kind));
  const lines = kinds.flatMap((kind, depth) =>
    nodes
      .filter((node) => node.kind === kind)
      .map((node, i) => ({ node, left: `${branch(depth, i === 0)}${i === 0 ? kind : ''}` })),
  );
  const last = kinds.length - 1;
  const leftWidth = Math.max(...lines.map(({ left }) => left.length)) + 2;
  const pathWidth = Math.max(...lines.map(({ node }) => node.path.length)) + 2;
  const drawn = lines.map(({ node, left }) => {
    // The line down to the next kind goes on beside every artifact but the last kind's.
    const rail = left.trim() === '' && kinds.indexOf(node.kind) < last ? `${left}│` : left;
    const size = bytes(node.size).padStart(8);
    return `${rail.padEnd(leftWidth)}${node.path.padEnd(pathWidth)}${shortHash(node).padEnd(8)}  ${size}`;
  });
  const { pipeline, version, build } = lineage;
  return [`${pipeline} · version ${version} · build ${build}`, '', ...drawn].join('\n');
}

function branch(depth: number, first: boolean): string {
  if (depth === 0) return '';
  return first ? `${'   '.repeat(depth - 1)}└─ ` : '   '.repeat(depth);
}
