import { join } from 'node:path';
import { readSplit, type SplitRule } from '../contract/defaults.ts';
import type { Comparison, StageFacts, StageInputs } from '../contract/stages.ts';
import type { Ref } from '../contract/ref.ts';
import type { Compute } from './pool.ts';
import { findTrainedRows } from './trained-rows.ts';

/** What is read from the store. */
interface Reading {
  list: (directory: Ref) => Promise<Ref[]>;
  get: (ref: Ref) => Promise<Uint8Array>;
  getPart: (ref: Ref) => Promise<Uint8Array>;
  toFile: (ref: Ref, file: string) => Promise<unknown>;
}

/**
 * Scores the model of another build on the test rows of a build, and on the whole new batch if it was not trained on
 * that batch, from the store. Rows that it was trained on are left out.
 * @param of.folder is empty, and belongs to the caller
 * @throws DamagedArtifact when an artifact is missing from the store or has changed; BadData when the other model
 *   cannot read the rows
 */
export async function scoreOther(
  { artifacts, compute }: { artifacts: Reading; compute: Compute },
  inputs: StageInputs<'compare'>,
  of: { type: string; otherType: string; split: SplitRule; folder: string },
  signal: AbortSignal,
): Promise<StageFacts<'compare'>> {
  const files = { ours: join(of.folder, 'model.json'), other: join(of.folder, 'other.json') };
  const [testParts, train, otherTrain] = await Promise.all([
    artifacts.list(inputs.test),
    artifacts.list(inputs.train),
    artifacts.list(inputs.otherTrain),
  ]);
  const [encoder, otherEncoder, test, newTrain] = await Promise.all([
    artifacts.get(inputs.encoder),
    artifacts.get(inputs.otherEncoder),
    Promise.all(testParts.map((part) => artifacts.getPart(part))),
    // A model of as many batches, or of more, was trained on the new one.
    otherTrain.length < train.length ? artifacts.getPart(train.at(-1)!) : null,
    artifacts.toFile(inputs.model, files.ours),
    artifacts.toFile(inputs.otherModel, files.other),
  ]);
  const isIn = (parts: readonly Ref[]): ((part: Ref) => boolean) => {
    const known = new Set(parts.map(({ sha256 }) => sha256));
    return ({ sha256 }) => known.has(sha256);
  };
  const [isOurs, isTheirs] = [isIn(train), isIn(otherTrain)];
  // Split by time, our own model can have been trained on a row that an earlier batch held out.
  const own = readSplit(of.split).by === 'time' ? train.filter((part) => !isTheirs(part)) : [];
  const [both, theirs, ours] = await findTrainedRows(
    { artifacts, compute },
    {
      rows: newTrain === null ? test : [...test, newTrain],
      train: [otherTrain.filter(isOurs), otherTrain.filter((part) => !isOurs(part)), own],
      encoders: [encoder, otherEncoder],
    },
    signal,
  );
  const { facts } = await compute(
    'compareModels',
    {
      ours: { type: of.type, model: files.ours, encoder },
      other: { type: of.otherType, model: files.other, encoder: otherEncoder },
      split: of.split,
      parts: test,
      newTrain,
      trained: { both: both!, theirs: theirs!, ours: ours! },
    },
    signal,
  );
  return facts;
}

/** The facts as a record holds them: null where there is no value. */
export function toComparisonFacts(facts: StageFacts<'compare'>): Comparison['facts'] {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value ?? null]));
}
