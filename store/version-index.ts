import { z } from 'zod';
import { findCompared } from '../contract/comparisons.ts';
import { compareScore, findHeadline } from '../contract/metric-sets.ts';
import type { GateDecision } from '../contract/promotion.ts';
import { findStage } from '../contract/stages.ts';
import type { Bucket } from './bucket.ts';
import { hashOf } from './hash.ts';
import { MOST_LISTING, readDocument, swapDocument, type Shape } from './documents.ts';
import type { BuildOf, VersionRecord } from './version-record.ts';

const comparedSchema = z.strictObject({
  version: z.int(),
  seq: z.int(),
  /** Test rows that both were scored on. */
  rows: z.int(),
  score: z.string(),
  /** The score of the build minus that of the other. */
  by: z.number(),
  verdict: z.enum(['better', 'worse', 'within noise', 'none', 'untested']),
});

const indexSchema = z.strictObject({
  schema: z.literal(3),
  pipeline: z.string(),
  /** The params of the versions by hash, because most versions have the same. */
  params: z.record(z.string(), z.record(z.string(), z.unknown())),
  versions: z.array(
    z.strictObject({
      version: z.int(),
      seq: z.int(),
      created_at: z.string(),
      /** Train rows. */
      rows: z.int(),
      metrics: z.record(z.string(), z.number()),
      model_version: z.string().nullable(),
      run_id: z.string().nullable(),
      /** The ledger revision it was built from; null in lines of an earlier program. */
      ledger_revision: z.int().nullable().default(null),
      /** The hash of its params; null in lines of an earlier program. */
      params: z.string().nullable().default(null),
      /** What the gate said of it; null where it said nothing, and in lines of an earlier program. */
      outcome: z.enum(['promote', 'hold']).nullable().default(null),
      /** How its headline score differs from that of the build before, on the same rows; null where it was not compared. */
      compared: comparedSchema.nullable().default(null),
    }),
  ),
});

const INDEX: Shape<z.infer<typeof indexSchema>> = {
  schema: 3,
  shape: indexSchema,
  most: MOST_LISTING,
  // Lines of schema 2 say nothing about other builds.
  upgrades: { 1: (older) => ({ ...older, params: {} }), 2: (older) => older },
  repair: 'delete it, and it is written again from the records',
};

type Index = z.infer<typeof indexSchema>;

/** One line of the index: the headline of a version's published build. */
export type VersionLine = Omit<Index['versions'][number], 'params'> & {
  /** Null in lines of an earlier program. */
  params: VersionRecord['params'] | null;
};

/** The headlines of all versions of a pipeline in one document, so that one read lists them. */
export class VersionIndex {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Returns the lines ordered by version; undefined when there is no index. */
  async read(pipeline: string): Promise<VersionLine[] | undefined> {
    const index = await readDocument(this.#bucket, makeIndexKey(pipeline), INDEX);
    return index && readLines(index.value);
  }

  /**
   * Enters a build as the latest of its version.
   * @param others returns the lines of all versions, if there is no index yet
   */
  async enter(record: VersionRecord, others: () => Promise<VersionLine[]>): Promise<void> {
    const { pipeline } = record;
    const line = lineOf(record);
    await swapDocument(this.#bucket, makeIndexKey(pipeline), INDEX, async (current) => {
      const lines = current === undefined ? await others() : readLines(current);
      const listed = lines.find(({ version }) => version === line.version);
      if (current !== undefined && listed !== undefined && isLineOf(listed, record)) return current;
      const { run_id, model_version } = listed?.seq === line.seq ? listed : line;
      const own = { ...line, run_id, model_version };
      const rest = lines.filter(({ version }) => version !== line.version);
      return makeIndex(pipeline, [...rest, own]);
    });
  }

  /**
   * Notes where a build is logged now, if it is the latest of its version.
   * @param others returns the lines of all versions, if there is no index yet
   */
  async noteLogged(
    { pipeline, version, seq }: BuildOf,
    logged: Pick<VersionLine, 'run_id' | 'model_version'>,
    others: () => Promise<VersionLine[]>,
  ): Promise<void> {
    await swapDocument(this.#bucket, makeIndexKey(pipeline), INDEX, async (current) => {
      const lines = current === undefined ? await others() : readLines(current);
      return makeIndex(
        pipeline,
        lines.map((line) =>
          line.version === version && line.seq === seq ? { ...line, ...logged } : line,
        ),
      );
    });
  }
}

/** The headline of a build. */
export function lineOf(record: VersionRecord): VersionLine {
  const { version, seq, created_at, metrics, mlflow, stages, ledger_revision, params } = record;
  return {
    version,
    seq,
    created_at,
    rows: Number(stages.find(({ stage }) => stage === 'train')?.facts['rows'] ?? 0),
    metrics,
    model_version: mlflow?.model_version ?? null,
    run_id: mlflow?.run_id ?? null,
    ledger_revision,
    params,
    outcome: findOutcome(record),
    compared: summarizeComparison(record),
  };
}

function summarizeComparison({ comparisons, metrics }: VersionRecord): VersionLine['compared'] {
  const before = findCompared(comparisons, 'before');
  const score = findHeadline(metrics);
  const rows = before?.facts['rows'];
  if (before === undefined || score === undefined || typeof rows !== 'number') return null;
  const change = compareScore(score.name, score.value, before.facts);
  if (change === undefined) return null;
  const { version, seq } = before;
  return { version, seq, rows, score: score.name, by: change.by, verdict: change.verdict };
}

/** What the gate said of a build when it was recorded. */
function findOutcome({ stages }: VersionRecord): GateDecision['outcome'] | null {
  const outcome = findStage(stages, 'gate')?.facts.outcome;
  return outcome === 'promote' || outcome === 'hold' ? outcome : null;
}

function readLines({ params, versions }: Index): VersionLine[] {
  return versions.map((line) => ({
    ...line,
    params: line.params === null ? null : (params[line.params] ?? null),
  }));
}

function makeIndex(pipeline: string, lines: readonly VersionLine[]): Index {
  const params: Index['params'] = {};
  // Lines that were read from one index share the objects of their params.
  const hashes = new Map<object, string>();
  const versions = lines.map((line) => {
    if (line.params === null) return { ...line, params: null };
    const hash = hashes.get(line.params) ?? hashOf(line.params);
    hashes.set(line.params, hash);
    params[hash] = line.params;
    return { ...line, params: hash };
  });
  return {
    schema: 3,
    pipeline,
    params,
    versions: versions.toSorted((a, b) => a.version - b.version),
  };
}

/** Whether a line is of this record. If a build was logged again elsewhere, only the line says so. */
export function isLineOf(line: VersionLine, record: VersionRecord): boolean {
  const { run_id, model_version } = line;
  const own = { ...lineOf(record), run_id, model_version };
  const ledger_revision = line.ledger_revision ?? own.ledger_revision;
  const params = line.params ?? own.params;
  const outcome = line.outcome ?? own.outcome;
  const compared = line.compared ?? own.compared;
  return hashOf({ ...line, ledger_revision, params, outcome, compared }) === hashOf(own);
}

export function makeIndexKey(pipeline: string): string {
  return `versions/${pipeline}/index.json`;
}
