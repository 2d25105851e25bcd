import { join } from 'node:path';
import type { Comparison, StageFacts, StageInputs } from '../contract/stages.ts';
import type { Ref } from '../contract/ref.ts';
import type { Compute } from './pool.ts';

/** What is read from the store. */
interface Reading {
  list: (directory: Ref) => Promise<Ref[]>;
  get: (ref: Ref) => Promise<Uint8Array>;
  getPart: (ref: Ref) => Promise<Uint8Array>;
  toFile: (ref: Ref, file: string) => Promise<unknown>;
}

/**
 * Scores the model of another build on the test rows of a build, from the store.
 * @param folder is empty, and belongs to the caller
 * @throws DamagedArtifact when an artifact is missing from the store or has changed; BadData when the other model
 *   cannot read the rows
 */
export async function scoreOther(
  { artifacts, compute }: { artifacts: Reading; compute: Compute },
  inputs: StageInputs<'compare'>,
  { type, otherType, folder }: { type: string; otherType: string; folder: string },
  signal: AbortSignal,
): Promise<StageFacts<'compare'>> {
  const files = { ours: join(folder, 'model.json'), other: join(folder, 'other.json') };
  const parts = await artifacts.list(inputs.test);
  const [encoder, otherEncoder, test] = await Promise.all([
    artifacts.get(inputs.encoder),
    artifacts.get(inputs.otherEncoder),
    Promise.all(parts.map((part) => artifacts.getPart(part))),
    artifacts.toFile(inputs.model, files.ours),
    artifacts.toFile(inputs.otherModel, files.other),
  ]);
  const { facts } = await compute(
    'compareModels',
    {
      ours: { type, model: files.ours, encoder },
      other: { type: otherType, model: files.other, encoder: otherEncoder },
      parts: test,
    },
    signal,
  );
  return facts;
}

/** The facts as a record holds them: null where there is no value. */
export function toComparisonFacts(facts: StageFacts<'compare'>): Comparison['facts'] {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value ?? null]));
}
