import { bytes } from '../format.ts';
import { fold } from './fold.ts';
import { KINDS, shortHash, type Lineage } from './graph.ts';

/** The lineage as a Mermaid flowchart: a column for each kind, an arrow for each "made from". */
export function lineageMermaid(lineage: Lineage): string {
  const { nodes, edges } = fold(lineage);
  const names = new Map(nodes.map(({ id }, i) => [id, `n${i}`]));
  const columns = KINDS.flatMap((kind) => {
    const own = nodes.filter((node) => node.kind === kind);
    if (own.length === 0) return [];
    const boxes = own.map((node) => {
      const label = [node.path, [shortHash(node), bytes(node.size)].filter(Boolean).join(' · ')];
      return `    ${names.get(node.id)}["${label.map(escape).join('<br/>')}"]`;
    });
    return [`  subgraph ${kind}`, ...boxes, '  end'];
  });
  const arrows = edges.map(
    ({ from, to, stage }) => `  ${names.get(from)} -->|${stage}| ${names.get(to)}`,
  );
  return ['flowchart LR', ...columns, ...arrows].join('\n');
}

/** Paths hold what their authors typed: whatever means something to Mermaid goes in as its code. */
function escape(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._/·…-]/gu, (sign) => `#${sign.codePointAt(0)};`);
}
