import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Changes, compareValues, compareDocuments } from '../../compare/changes.ts';
import { localFiles } from '../../../compute/local-files.ts';
import { modelTypeOf } from '../../../contract/defaults.ts';
import { NOT_SCORES } from '../../../contract/metric-sets.ts';
import type { Ref } from '../../../contract/ref.ts';
import { isReadForEachBatch } from '../../../contract/stages.ts';
import { openModel } from '../../../pipeline/models/estimators.ts';
import type { Artifacts } from '../../../store/artifacts.ts';
import type { Store } from '../../../store/index.ts';
import { type NewBatch, batchesAt } from '../../../store/ledger/ledger.ts';
import { withOwnFolder } from '../../../store/own-folder.ts';
import { outputOf, requireKept } from '../../../store/record-check.ts';
import { compareOnSameRows, type SameRows } from './same-rows.ts';
import type { VersionRecord } from '../../../store/version-record.ts';

/** One side of a comparison. */
interface Side {
  version: number;
  build: number;
  createdAt: string;
  /** The test rows that its metrics are of. */
  testRows: number;
}

/** The differences between two builds. A part without differences is empty. */
export interface DiffDocument {
  pipeline: string;
  old: Side;
  new: Side;
  /** The numbers of rows on the two sides of the split: `train`, `test`. */
  rows: Changes;
  batches: BatchChange[];
  params: Changes;
  metrics: Changes;
  /** The scores of both on the same test rows; null for one build, or where one of them cannot score the rows. */
  sameRows: SameRows | null;
  artifacts: ArtifactChange[];
  /** The size of the models in numbers, such as `depth` and `leaves`. */
  model: Changes;
  /** The importance of each feature; 1 in all. */
  importance: Changes;
}

/**
 * Compares two builds, of one version or of two.
 * @throws MissingHistory when gc has removed the artifacts of one
 */
export async function compareBuilds(
  {
    artifacts,
    ledgers,
    cache,
    records,
  }: Pick<Store, 'artifacts' | 'ledgers' | 'cache' | 'records'>,
  before: VersionRecord,
  after: VersionRecord,
): Promise<DiffDocument> {
  await Promise.all([before, after].map((build) => requireKept(records, build)));
  const [ledger, old, now, sameRows] = await Promise.all([
    ledgers.read(before.pipeline),
    readModelFacts(artifacts, before),
    readModelFacts(artifacts, after),
    compareOnSameRows({ artifacts, cache }, before, after),
  ]);
  const batches = ({ version, ledger_revision }: VersionRecord) =>
    ledger === undefined ? [] : batchesAt(ledger, version, ledger_revision);
  return {
    pipeline: before.pipeline,
    old: sideOf(before),
    new: sideOf(after),
    rows: compareDocuments(readRows(before), readRows(after)),
    batches: compareBatches(batches(before), batches(after)),
    params: compareDocuments(nameType(before.params), nameType(after.params)),
    metrics: dropOtherNumbers(compareDocuments(before.metrics, after.metrics)),
    sameRows,
    artifacts: compareArtifacts(before.stages, after.stages),
    model: compareDocuments(old.facts, now.facts),
    importance: compareImportance(old, now),
  };
}

/** The params of a record. One of an earlier program does not name the type of its model. */
function nameType({ model, ...others }: VersionRecord['params']): VersionRecord['params'] {
  const named = model as { type?: string };
  return { ...others, model: { ...named, type: modelTypeOf(named) } };
}

function sideOf({ version, seq, created_at, metrics }: VersionRecord): Side {
  return { version, build: seq, createdAt: created_at, testRows: metrics['test_rows'] ?? 0 };
}

function readRows({ stages }: VersionRecord): Record<string, unknown> {
  const facts = stages.find(({ stage }) => stage === 'preprocess')?.facts ?? {};
  return { train: facts['train_rows'], test: facts['test_rows'] };
}

function dropOtherNumbers(changes: Changes): Changes {
  return Object.fromEntries(Object.entries(changes).filter(([name]) => !NOT_SCORES.has(name)));
}

/** Features in the order of the columns. Their names may contain dots, so they are not flattened. */
function compareImportance(before: ModelFacts, after: ModelFacts): Changes {
  const names = new Set([...before.importance.keys(), ...after.importance.keys()]);
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const change = compareValues(before.importance.get(name), after.importance.get(name));
      return change === undefined ? [] : [[name, change]];
    }),
  );
}

/** The parts of a model that are compared. */
export interface ModelFacts {
  /** Its size in numbers, by name. */
  facts: Readonly<Record<string, number>>;
  /** The importance of each feature, 1 in all; empty for a model that has none. */
  importance: ReadonlyMap<string, number>;
}

/**
 * The size of a model, and the importance of its features.
 * @throws DamagedArtifact when the model or its encoder is not in the store as it was
 */
export async function readModelFacts(
  artifacts: Artifacts,
  record: VersionRecord,
): Promise<ModelFacts> {
  const { model, encoder } = await openStoredModel(artifacts, record, {
    model: outputOf(record, 'train', 'model'),
    encoder: outputOf(record, 'train', 'encoder'),
  });
  const { features } = encoder;
  const shares = model.importance(features.length) ?? [];
  return {
    facts: model.describe().facts,
    importance: new Map(shares.map((share, i) => [features[i]!.name, share])),
  };
}

/** Opens the model of a record from a file, piece by piece, because it may be larger than memory. */
export async function openStoredModel(
  artifacts: Artifacts,
  { params, version }: VersionRecord,
  refs: { model: Ref; encoder: Ref },
): Promise<ReturnType<typeof openModel>> {
  const type = modelTypeOf(params['model'] ?? {});
  const encoder = await artifacts.get(refs.encoder);
  return withOwnFolder(tmpdir(), 'model', async (folder) => {
    const model = join(folder, 'model.json');
    await artifacts.toFile(refs.model, model);
    return openModel({ type, model, encoder }, localFiles, `version ${version}`);
  });
}

/** An artifact that differs between the two sides; null where a side has none. */
export interface ArtifactChange {
  stage: string;
  /** Its name in the stage: `model`, `encoder`, `train`. */
  name: string;
  old: Ref | null;
  new: Ref | null;
}

interface StageOutputs {
  stage: string;
  outputs: Record<string, Ref>;
}

/**
 * The artifacts that differ in their contents. An artifact is found by its stage and its name, because most paths
 * contain the version. Single batches are left out: they have their own comparison.
 */
export function compareArtifacts(
  before: readonly StageOutputs[],
  after: readonly StageOutputs[],
): ArtifactChange[] {
  const [old, now] = [indexByName(before), indexByName(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [left, right] = [old.get(key), now.get(key)];
    if (left?.ref.sha256 === right?.ref.sha256) return [];
    const { stage, name } = (left ?? right)!;
    return [{ stage, name, old: left?.ref ?? null, new: right?.ref ?? null }];
  });
}

function indexByName(
  stages: readonly StageOutputs[],
): Map<string, { stage: string; name: string; ref: Ref }> {
  return new Map(
    stages
      .filter(({ stage }) => !isReadForEachBatch(stage))
      .flatMap(({ stage, outputs }) =>
        Object.entries(outputs).map(([name, ref]) => [`${stage} ${name}`, { stage, name, ref }]),
      ),
  );
}

/** A batch that differs between the two sides: it was added, removed, or has other rows. */
export interface BatchChange {
  batch: number;
  /** Rows and MD5; null where a side has no such batch. */
  old: { rows: number; md5: string } | null;
  new: { rows: number; md5: string } | null;
}

type Batch = Pick<NewBatch, 'rows' | 'ref'>;

/** The batches that differ, in their order. */
export function compareBatches(before: readonly Batch[], after: readonly Batch[]): BatchChange[] {
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, i) => ({
    batch: i + 1,
    old: batchFacts(before[i]),
    new: batchFacts(after[i]),
  })).filter(({ old, new: now }) => old?.md5 !== now?.md5);
}

function batchFacts(batch: Batch | undefined): BatchChange['old'] {
  return batch === undefined ? null : { rows: batch.rows, md5: batch.ref.md5 };
}
