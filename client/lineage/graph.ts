import { BATCHES } from '../../contract/paths.ts';
import type { Store } from '../../store/index.ts';
import { batchesAt, rawNamed, type Ledger } from '../../store/ledger/ledger.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';

/** The kinds of artifact in the order of the data's way: the columns of the picture. */
export const KINDS = ['raw', 'batches', 'merged', 'splits', 'model', 'metrics'] as const;
export type Kind = (typeof KINDS)[number];

/** An artifact. */
export interface Node extends Ref {
  /** Path and short hash: one path may hold several contents over time. */
  id: string;
  kind: Kind;
}

/** `to` was made from `from` by a stage. */
export interface Edge {
  from: string;
  to: string;
  stage: string;
}

/** What a version was made of, down to the raw data. */
export interface Lineage {
  pipeline: string;
  version: number;
  build: number;
  nodes: Node[];
  edges: Edge[];
}

const KIND_OF: Record<string, Kind> = {
  get_data: 'raw',
  prepare_batch: 'batches',
  merge_data: 'merged',
  preprocess: 'splits',
  train: 'model',
};

/** Reads from the store what a record leaves out: the batches in the merged data, and what they were cut from. */
export async function readLineage(
  { artifacts, ledgers }: Pick<Store, 'artifacts' | 'ledgers'>,
  record: VersionRecord,
): Promise<Lineage> {
  const merged = record.stages.find(({ stage }) => stage === 'merge_data')?.outputs['merged'];
  const [files, ledger] = await Promise.all([
    merged === undefined ? [] : artifacts.list(merged),
    ledgers.read(record.pipeline),
  ]);
  return lineageOf(record, files, ledger);
}

/**
 * The graph of a version.
 * @param files of the merged data: its batches
 * @param ledger says what each batch was cut from; without it, the version's own raw data is taken
 */
export function lineageOf(
  record: VersionRecord,
  files: readonly Ref[],
  ledger: Ledger | undefined,
): Lineage {
  const { pipeline, version, seq: build } = record;
  const graph = new Graph();
  for (const { stage, inputs, outputs } of record.stages) {
    if (stage === 'prepare_batch') addBatches(graph, record, files, ledger);
    const from =
      stage === 'merge_data'
        ? files.map((file) => graph.node(batch(file), 'batches'))
        : Object.values(inputs).map((ref) => graph.input(ref));
    for (const ref of Object.values(outputs)) {
      const to = graph.node(ref, KIND_OF[stage] ?? 'metrics');
      for (const node of from) graph.edge(node, to, stage);
    }
  }
  return { pipeline, version, build, ...graph.sorted() };
}

/** Each batch and what it was cut from; the record itself tells this of its own batch only. */
function addBatches(
  graph: Graph,
  { version, ledger_revision, stages }: VersionRecord,
  files: readonly Ref[],
  ledger: Ledger | undefined,
): void {
  const cut = ledger === undefined ? [] : batchesAt(ledger, version, ledger_revision);
  const own = stages.find(({ stage }) => stage === 'get_data')?.outputs;
  for (const [i, file] of files.entries()) {
    const from = cut[i]?.raw;
    const entry = ledger === undefined || from === undefined ? undefined : rawNamed(ledger, from);
    const raw = entry === undefined ? Object.values(own ?? {}) : [entry.ref, entry.columns];
    const to = graph.node(batch(file), 'batches');
    for (const ref of raw) graph.edge(graph.node(ref, 'raw'), to, 'prepare_batch');
  }
}

/** A file of the merged data as the batch it is. */
function batch(file: Ref): Ref {
  return { ...file, path: `${BATCHES}${file.path}` };
}

class Graph {
  readonly #nodes = new Map<string, Node>();
  readonly #edges = new Map<string, Edge>();

  /**
   * The node of something a stage read: made before it, so known. The stage cache is shared by
   * pipelines, and may know it by the path that another gave the same bytes.
   */
  input(ref: Ref): Node {
    const known = [...this.#nodes.values()].filter(({ sha256 }) => sha256 === ref.sha256);
    return known.find(({ path }) => path === ref.path) ?? known[0] ?? this.node(ref, 'raw');
  }

  node(ref: Ref, kind: Kind): Node {
    const id = `${ref.path}@${shortHash(ref)}`;
    const standing = this.#nodes.get(id);
    if (standing !== undefined) return standing;
    const node = { id, kind, ...ref };
    this.#nodes.set(id, node);
    return node;
  }

  edge({ id: from }: Node, { id: to }: Node, stage: string): void {
    if (from !== to) this.#edges.set(`${from}\n${to}`, { from, to, stage });
  }

  /** Nodes in the order of the data's way, directories before the files beside them. */
  sorted(): Pick<Lineage, 'nodes' | 'edges'> {
    const rank = ({ kind, ...ref }: Node): number =>
      KINDS.indexOf(kind) * 2 + Number(!isDirectory(ref));
    const nodes = [...this.#nodes.values()].sort((a, b) => rank(a) - rank(b));
    return { nodes, edges: [...this.#edges.values()] };
  }
}

/** Enough of a hash to tell artifacts apart at a glance. */
export function shortHash({ md5 }: Pick<Ref, 'md5'>): string {
  return md5.slice(0, 8);
}
