import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArtifactChange, artifactChanges } from '../../compare/artifacts.ts';
import { type BatchChange, batchChanges } from '../../compare/batches.ts';
import { type Changes, changeOf, changesOf } from '../../compare/changes.ts';
import { threadFiles } from '../../../compute/thread-files.ts';
import type { Ref } from '../../../contract/ref.ts';
import { encoderFromJson } from '../../../pipeline/features/encoder.ts';
import { featureImportance } from '../../../pipeline/models/importance.ts';
import { learnerOf } from '../../../pipeline/models/learners.ts';
import { type TreeModel, type TreeName, treeFromJson } from '../../../pipeline/models/tree.ts';
import type { Artifacts } from '../../../store/artifacts.ts';
import type { Store } from '../../../store/index.ts';
import { batchesAt } from '../../../store/ledger/ledger.ts';
import { withOwnFolder } from '../../../store/own-folder.ts';
import type { VersionRecord } from '../../../store/records.ts';

/** One side of a comparison. */
interface Side {
  version: number;
  build: number;
  createdAt: string;
}

/** What differs between two builds; each part is empty where they are the same. */
export interface DiffDocument {
  pipeline: string;
  old: Side;
  new: Side;
  /** Rows on either side of the split: `train`, `test`. */
  rows: Changes;
  batches: BatchChange[];
  params: Changes;
  metrics: Changes;
  artifacts: ArtifactChange[];
  /** `depth`, `leaves`. */
  model: Changes;
  /** Each feature's share in the model's splits. */
  importance: Changes;
}

/** Numbers of the metrics file that say what it is, not how good the model is. */
const NOT_METRICS = new Set(['batch', 'schema']);

/** Compares two builds, of one version or of two. */
export async function diffOf(
  { artifacts, ledgers }: Pick<Store, 'artifacts' | 'ledgers'>,
  before: VersionRecord,
  after: VersionRecord,
): Promise<DiffDocument> {
  const [ledger, old, now] = await Promise.all([
    ledgers.read(before.pipeline),
    modelOf(artifacts, before),
    modelOf(artifacts, after),
  ]);
  const batches = ({ version, ledger_revision }: VersionRecord) =>
    ledger === undefined ? [] : batchesAt(ledger, version, ledger_revision);
  return {
    pipeline: before.pipeline,
    old: sideOf(before),
    new: sideOf(after),
    rows: changesOf(rowsOf(before), rowsOf(after)),
    batches: batchChanges(batches(before), batches(after)),
    params: changesOf(before.params, after.params),
    metrics: withoutNumbersOfTheFile(changesOf(before.metrics, after.metrics)),
    artifacts: artifactChanges(before.stages, after.stages),
    model: changesOf(sizeOf(old), sizeOf(now)),
    importance: importanceChanges(old, now),
  };
}

function sideOf({ version, seq, created_at }: VersionRecord): Side {
  return { version, build: seq, createdAt: created_at };
}

function rowsOf({ stages }: VersionRecord): Record<string, unknown> {
  const facts = stages.find(({ stage }) => stage === 'preprocess')?.facts ?? {};
  return { train: facts['train_rows'], test: facts['test_rows'] };
}

function withoutNumbersOfTheFile(changes: Changes): Changes {
  return Object.fromEntries(Object.entries(changes).filter(([name]) => !NOT_METRICS.has(name)));
}

function sizeOf({ depth, leaves }: ModelShape): Record<string, number> {
  return { depth, leaves };
}

/** Features in the order of the columns; their names may hold dots, so nothing is flattened. */
function importanceChanges(before: ModelShape, after: ModelShape): Changes {
  const names = Object.keys({ ...before.importance, ...after.importance });
  return Object.fromEntries(
    names.flatMap((name) => {
      const change = changeOf(before.importance[name], after.importance[name]);
      return change === undefined ? [] : [[name, change]];
    }),
  );
}

/** What is compared of a model. */
export interface ModelShape {
  /** Splits from the root to the deepest leaf. */
  depth: number;
  leaves: number;
  /** Each feature's share, the whole being 1. */
  importance: Record<string, number>;
}

/**
 * The shape of a build's model.
 * @throws DamagedArtifact when the model or its encoder is not in the store as it was
 */
export async function modelOf(artifacts: Artifacts, record: VersionRecord): Promise<ModelShape> {
  const { outputs, facts } = record.stages.find(({ stage }) => stage === 'train')!;
  const encoder = await artifacts.get(outputs['encoder']!);
  const what = `version ${record.version}`;
  const fitted = encoderFromJson(encoder, `the encoder of ${what}`);
  const names = fitted.features.map(({ name }) => name);
  const named = { name: learnerOf(fitted).tree, what: `the model of ${what}` };
  const model = await readModel(artifacts, outputs['model']!, named);
  const shares = featureImportance(model, names.length);
  return {
    depth: Number(facts['depth']),
    leaves: Number(facts['leaves']),
    importance: Object.fromEntries(names.map((name, i) => [name, shares[i]!])),
  };
}

/** By way of a file, for it may be larger than memory should hold. */
async function readModel(
  artifacts: Artifacts,
  model: Ref,
  { name, what }: { name: TreeName; what: string },
): Promise<TreeModel> {
  return withOwnFolder(tmpdir(), 'model', async (folder) => {
    const file = join(folder, 'model.json');
    await artifacts.toFile(model, file);
    return treeFromJson(threadFiles.read(file), name, what);
  });
}
