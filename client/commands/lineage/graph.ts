import { isDirectory, type Ref } from '../../../contract/ref.ts';
import { findEntry, isOfOtherBuild, STAGE_NAMES, STAGES } from '../../../contract/stages.ts';
import type { Store } from '../../../store/index.ts';
import { batchesAt, rawNamed, type Ledger } from '../../../store/ledger/ledger.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { shortenMd5 } from '../../origin.ts';
import { listEachBatch } from '../../versions.ts';

/** The kinds of artifacts in the order in which data flows: the columns of the picture. */
export const KINDS: readonly string[] = STAGE_NAMES.map((stage) => STAGES[stage].kind);

/** An artifact. */
export interface Node extends Ref {
  /** Path and short hash: one path may hold several contents over time. */
  id: string;
  kind: string;
}

/** `to` was made from `from` by a stage. */
export interface Edge {
  from: string;
  to: string;
  stage: string;
}

/** The artifacts from which a version was made, back to the raw data. */
export interface Lineage {
  pipeline: string;
  version: number;
  build: number;
  nodes: Node[];
  edges: Edge[];
}

/** Reads from the store what a record leaves out: every batch, and what each was cut from. */
export async function readLineage(
  { artifacts, ledgers }: Pick<Store, 'artifacts' | 'ledgers'>,
  record: VersionRecord,
): Promise<Lineage> {
  const [eachBatch, ledger] = await Promise.all([
    listEachBatch(artifacts, record),
    ledgers.read(record.pipeline),
  ]);
  return buildLineage(record, eachBatch, ledger);
}

/**
 * The graph of a version: what each stage of the record read and made. If a later stage reads the outputs of a
 * stage for each batch, the graph has those of all batches.
 * @param eachBatch the outputs of all batches, by stage
 * @param ledger has the raw data of each batch; without it, all batches get the inputs in the record
 */
export function buildLineage(
  record: VersionRecord,
  eachBatch: ReadonlyMap<string, readonly Ref[]>,
  ledger: Ledger | undefined,
): Lineage {
  const { pipeline, version, seq: build } = record;
  const graph = new Graph();
  for (const { stage, inputs, outputs } of record.stages) {
    const kind = findKind(stage);
    for (const [i, file] of (eachBatch.get(stage) ?? []).entries()) {
      const sources = findBatchSources(record, ledger, i) ?? Object.values(inputs);
      for (const ref of sources) graph.edge(graph.input(ref), graph.node(file, kind), stage);
    }
    const from = Object.entries(inputs).flatMap(([name, ref]) => {
      if (isOfOtherBuild(stage, name)) return [];
      const made = eachBatch.get(findEachBatchStage(stage, name));
      return (made ?? [ref]).map((one) => graph.input(one));
    });
    for (const ref of Object.values(outputs)) {
      const to = graph.node(ref, kind);
      for (const node of from) graph.edge(node, to, stage);
    }
  }
  return { pipeline, version, build, ...graph.sorted() };
}

/** The stage whose outputs an input holds for each batch; empty for any other input. */
function findEachBatchStage(stage: string, name: string): string {
  const input = findEntry(stage)?.inputs[name];
  return input !== undefined && 'eachBatch' in input ? input.eachBatch : '';
}

/** The raw data and columns from which a batch was cut; undefined if the ledger does not have them. */
function findBatchSources(
  { version, ledger_revision }: VersionRecord,
  ledger: Ledger | undefined,
  index: number,
): Ref[] | undefined {
  if (ledger === undefined) return undefined;
  const from = batchesAt(ledger, version, ledger_revision)[index]?.raw;
  const known = from === undefined ? undefined : rawNamed(ledger, from);
  return known === undefined ? undefined : [known.ref, known.columns];
}

function findKind(stage: string): string {
  return findEntry(stage)?.kind ?? KINDS.at(-1)!;
}

class Graph {
  readonly #nodes = new Map<string, Node>();
  readonly #edges = new Map<string, Edge>();

  /**
   * The node of an input, which an earlier stage has made. Pipelines share the stage cache, so it can have the
   * path that another pipeline gave the same bytes.
   */
  input(ref: Ref): Node {
    const known = [...this.#nodes.values()].filter(({ sha256 }) => sha256 === ref.sha256);
    return known.find(({ path }) => path === ref.path) ?? known[0] ?? this.node(ref, KINDS[0]!);
  }

  node(ref: Ref, kind: string): Node {
    const id = `${ref.path}@${shortenMd5(ref.md5)}`;
    const known = this.#nodes.get(id);
    if (known !== undefined) return known;
    const node = { id, kind, ...ref };
    this.#nodes.set(id, node);
    return node;
  }

  edge({ id: from }: Node, { id: to }: Node, stage: string): void {
    if (from !== to) this.#edges.set(`${from}\n${to}`, { from, to, stage });
  }

  /** Nodes in the order in which data flows, directories before the files beside them. */
  sorted(): Pick<Lineage, 'nodes' | 'edges'> {
    const rank = ({ kind, ...ref }: Node): number =>
      KINDS.indexOf(kind) * 2 + Number(!isDirectory(ref));
    const nodes = [...this.#nodes.values()].sort((a, b) => rank(a) - rank(b));
    return { nodes, edges: [...this.#edges.values()] };
  }
}

/** Nobody can read a drawing of 2 000 batches. */
interface FoldLimits {
  /** If a kind has more artifacts than this, not all are drawn. */
  most: number;
  /** How many of them are drawn at either end. */
  ends: number;
}

/** An artifact as it is drawn, or many that are drawn as one. */
export type Drawn = Pick<Node, 'id' | 'kind' | 'path' | 'md5' | 'size'>;

/** The lineage as it is drawn: the middle of a long row of artifacts is drawn as one. */
export function fold(
  { nodes, edges }: Lineage,
  { most, ends }: FoldLimits = { most: 8, ends: 3 },
): { nodes: Drawn[]; edges: Edge[] } {
  const drawnAs = new Map<string, string>();
  const drawn = KINDS.flatMap((kind): Drawn[] => {
    const all = nodes.filter((node) => node.kind === kind);
    if (all.length <= most) return all;
    const middle = all.slice(ends, -ends);
    const size = middle.reduce((sum, node) => sum + node.size, 0);
    const one = { id: `${kind}@more`, kind, path: `… ${middle.length} more`, md5: '', size };
    for (const { id } of middle) drawnAs.set(id, one.id);
    return [...all.slice(0, ends), one, ...all.slice(-ends)];
  });
  const named = edges.map(({ from, to, stage }) => ({
    from: drawnAs.get(from) ?? from,
    to: drawnAs.get(to) ?? to,
    stage,
  }));
  const once = new Map(
    named.filter(({ from, to }) => from !== to).map((edge) => [`${edge.from}\n${edge.to}`, edge]),
  );
  return { nodes: drawn, edges: [...once.values()] };
}
