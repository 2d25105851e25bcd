import type { Ref } from '../../contract/ref.ts';
import { isReadForEachBatch } from '../../contract/stages.ts';

/** An artifact that is not the same on both sides; null where a side has none. */
export interface ArtifactChange {
  stage: string;
  /** What its stage calls it: `model`, `encoder`, `train`. */
  name: string;
  old: Ref | null;
  new: Ref | null;
}

interface StageOutputs {
  stage: string;
  outputs: Record<string, Ref>;
}

/**
 * The artifacts that differ. What one stage calls by one name is one artifact, for most have their
 * version in the path; contents count, not paths. A single batch is left out: batches have their own
 * comparison.
 */
export function artifactChanges(
  before: readonly StageOutputs[],
  after: readonly StageOutputs[],
): ArtifactChange[] {
  const [old, now] = [byName(before), byName(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [left, right] = [old.get(key), now.get(key)];
    if (left?.ref.sha256 === right?.ref.sha256) return [];
    const { stage, name } = (left ?? right)!;
    return [{ stage, name, old: left?.ref ?? null, new: right?.ref ?? null }];
  });
}

function byName(
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
