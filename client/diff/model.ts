import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadFiles } from '../../compute/thread-files.ts';
import { withOwnFolder } from '../../store/own-folder.ts';
import { encoderFromJson } from '../../pipeline/features/encoder.ts';
import { featureImportance } from '../../pipeline/models/importance.ts';
import { learnerOf } from '../../pipeline/models/learners.ts';
import { treeFromJson, type TreeModel, type TreeName } from '../../pipeline/models/tree.ts';
import type { Artifacts } from '../../store/artifacts.ts';
import type { Ref } from '../../contract/ref.ts';
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
