import { KINDS, type Edge, type Lineage, type Node } from './graph.ts';

/** More artifacts of a kind than this are not all drawn: a picture of 2 000 batches says nothing. */
const MOST = 8;
/** How many of them stay at either end. */
const ENDS = 3;

/** An artifact as it is drawn, or many that are drawn as one. */
export type Drawn = Pick<Node, 'id' | 'kind' | 'path' | 'md5' | 'size'>;

/** The lineage as it is drawn: the middle of a long row of artifacts stands as one. */
export function fold({ nodes, edges }: Lineage): { nodes: Drawn[]; edges: Edge[] } {
  const standsFor = new Map<string, string>();
  const drawn = KINDS.flatMap((kind): Drawn[] => {
    const all = nodes.filter((node) => node.kind === kind);
    if (all.length <= MOST) return all;
    const middle = all.slice(ENDS, -ENDS);
    const size = middle.reduce((sum, node) => sum + node.size, 0);
    const one = { id: `${kind}@more`, kind, path: `… ${middle.length} more`, md5: '', size };
    for (const { id } of middle) standsFor.set(id, one.id);
    return [...all.slice(0, ENDS), one, ...all.slice(-ENDS)];
  });
  const named = edges.map(({ from, to, stage }) => ({
    from: standsFor.get(from) ?? from,
    to: standsFor.get(to) ?? to,
    stage,
  }));
  const once = new Map(
    named.filter(({ from, to }) => from !== to).map((edge) => [`${edge.from}\n${edge.to}`, edge]),
  );
  return { nodes: drawn, edges: [...once.values()] };
}
