import { join } from 'node:path';
import { readSplit, type SplitRule } from '../contract/defaults.ts';
import type { Comparison, StageFacts, StageInputs } from '../contract/stages.ts';
import type { Ref } from '../contract/ref.ts';
import type { Compute } from './pool.ts';
import type { StoredModel } from '../pipeline/models/estimators.ts';
import type { TrainedByEither } from '../pipeline/scoring/leakage.ts';
import { findTrainedRows } from './trained-rows.ts';

/** What is read from the store. */
interface Reading {
  list: (directory: Ref) => Promise<Ref[]>;
  get: (ref: Ref) => Promise<Uint8Array>;
  getPart: (ref: Ref) => Promise<Uint8Array>;
  toFile: (ref: Ref, file: string) => Promise<unknown>;
}

/** Two builds, and how the rows of the first one are split. */
interface OfBoth {
  type: string;
  otherType: string;
  split: SplitRule;
  /** It is empty, and belongs to the caller. */
  folder: string;
}

/**
 * Scores the model of another build on the test rows of a build, and on the whole new batch if it was not trained on
 * that batch, from the store. Rows that it was trained on are left out.
 * @throws DamagedArtifact when an artifact is missing from the bucket or has changed; BadData when the other model
 *   cannot read the rows
 */
export async function scoreOther(
  deps: { artifacts: Reading; compute: Compute },
  inputs: StageInputs<'compare'>,
  of: OfBoth,
  signal: AbortSignal,
): Promise<StageFacts<'compare'>> {
  const { artifacts } = deps;
  const [both, lists] = await Promise.all([
    readBoth(deps, inputs, of),
    listTrainParts(deps, inputs),
  ]);
  const { train, otherTrain } = lists;
  // A model of as many batches, or of more, was trained on the new one.
  const newTrain = otherTrain.length < train.length ? await artifacts.getPart(train.at(-1)!) : null;
  const trained = await findTrainedByEither(
    deps,
    { ...both, ...lists },
    { ...of, newTrain },
    signal,
  );
  const { ours, other, parts } = both;
  const input = { ours, other, split: of.split, parts, newTrain, trained };
  return (await deps.compute('compareModels', input, signal)).facts;
}

/** What two models and the rows on which they are scored are read from. */
interface Both {
  ours: StoredModel;
  other: StoredModel;
  /** Arrow files of the test rows. */
  parts: Uint8Array[];
}

/** The train parts of each model. */
interface TrainParts {
  train: Ref[];
  otherTrain: Ref[];
}

/**
 * Reads two builds and the test rows of the first one from the store.
 * @throws DamagedArtifact when an artifact is missing from the bucket or has changed
 */
export async function readBoth(
  { artifacts }: { artifacts: Reading },
  inputs: StageInputs<'compare'>,
  of: OfBoth,
): Promise<Both> {
  const files = { ours: join(of.folder, 'model.json'), other: join(of.folder, 'other.json') };
  const testParts = await artifacts.list(inputs.test);
  const [encoder, otherEncoder, parts] = await Promise.all([
    artifacts.get(inputs.encoder),
    artifacts.get(inputs.otherEncoder),
    Promise.all(testParts.map((part) => artifacts.getPart(part))),
    artifacts.toFile(inputs.model, files.ours),
    artifacts.toFile(inputs.otherModel, files.other),
  ]);
  return {
    ours: { type: of.type, model: files.ours, encoder },
    other: { type: of.otherType, model: files.other, encoder: otherEncoder },
    parts,
  };
}

/** Lists what two models were trained on. @throws DamagedArtifact when a list is missing from the bucket or has changed */
export async function listTrainParts(
  { artifacts }: { artifacts: Pick<Reading, 'list'> },
  inputs: Pick<StageInputs<'compare'>, 'train' | 'otherTrain'>,
): Promise<TrainParts> {
  const [train, otherTrain] = await Promise.all([
    artifacts.list(inputs.train),
    artifacts.list(inputs.otherTrain),
  ]);
  return { train, otherTrain };
}

/** Finds the test rows that are equal to rows of the train parts of both models, of the other one alone, and of ours alone. */
export async function findTrainedByEither(
  deps: { artifacts: Reading; compute: Compute },
  { ours, other, parts, train, otherTrain }: Both & TrainParts,
  { split, newTrain = null }: { split: SplitRule; newTrain?: Uint8Array | null },
  signal: AbortSignal,
): Promise<TrainedByEither> {
  const isIn = (refs: readonly Ref[]): ((part: Ref) => boolean) => {
    const known = new Set(refs.map(({ sha256 }) => sha256));
    return ({ sha256 }) => known.has(sha256);
  };
  const [isOurs, isTheirs] = [isIn(train), isIn(otherTrain)];
  // Split by time, our own model can have been trained on a row that is equal to a test row of an earlier batch.
  const own = readSplit(split).by === 'time' ? train.filter((part) => !isTheirs(part)) : [];
  const [both, theirs, oursAlone] = await findTrainedRows(
    deps,
    {
      rows: newTrain === null ? parts : [...parts, newTrain],
      train: [otherTrain.filter(isOurs), otherTrain.filter((part) => !isOurs(part)), own],
      encoders: [ours.encoder, other.encoder],
    },
    signal,
  );
  return { both: both!, theirs: theirs!, ours: oursAlone! };
}

/** The facts as a record holds them: null where there is no value. */
export function toComparisonFacts(facts: StageFacts<'compare'>): Comparison['facts'] {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value ?? null]));
}
