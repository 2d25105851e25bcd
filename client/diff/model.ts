import { encoderFromJson } from '../../pipeline/encoder.ts';
import { featureImportance } from '../../pipeline/importance.ts';
import { treeFromJson } from '../../pipeline/tree.ts';
import type { Artifacts } from '../../store/artifacts.ts';
import type { VersionRecord } from '../../store/records.ts';

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
  const [model, encoder] = await Promise.all([
    artifacts.get(outputs['model']!),
    artifacts.get(outputs['encoder']!),
  ]);
  const what = `version ${record.version}`;
  const names = encoderFromJson(encoder, `the encoder of ${what}`).features.map(({ name }) => name);
  const { root } = treeFromJson(model, `the model of ${what}`);
  const shares = featureImportance(root, names.length);
  return {
    depth: Number(facts['depth']),
    leaves: Number(facts['leaves']),
    importance: Object.fromEntries(names.map((name, i) => [name, shares[i]!])),
  };
}
