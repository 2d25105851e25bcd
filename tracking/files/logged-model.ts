import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { paramValue, tagValue } from '../mlflow/limits.ts';
import type { NewModel } from '../tracker.ts';
import { type Folder, modelPath } from './folder.ts';
import { writeMeta, toFilePaths } from './meta.ts';
import { requireRun } from './run.ts';
import { storeFile } from './run-data.ts';

/** LoggedModelStatus.READY of MLflow's service.proto. */
const READY = 2;

/**
 * Stores a LoggedModel with its files by one rename. Its ID is computed from the run's ID and its name, so that
 * a run has one model of a name, however often it is logged.
 */
export async function logModel(folder: Folder, runId: string, model: NewModel): Promise<string> {
  const { path: run, experimentId, meta } = await requireRun(folder, runId);
  const digest = createHash('sha256').update(`${runId} ${model.name}`).digest('hex');
  const modelId = `m-${digest.slice(0, 32)}`;
  const path = modelPath(folder, experimentId, modelId);
  // The time of the run, so that every process writes the same time.
  const createdAt = meta.start_time ?? 0;
  await folder.create(path, async (draft) => {
    for (const part of ['metrics', 'params', 'tags']) await mkdir(join(draft, part));
    for (const [name, value] of toFilePaths(model.params ?? {}))
      await folder.write(join(draft, 'params', name), paramValue(value));
    for (const [name, value] of toFilePaths(model.tags ?? {}))
      await folder.write(join(draft, 'tags', name), tagValue(value));
    for (const file of await model.files({ modelId, runId }))
      await storeFile(folder, join(draft, 'artifacts'), file.path, file);
    await writeMeta(folder, draft, {
      experiment_id: experimentId,
      model_id: modelId,
      name: model.name,
      artifact_location: `${folder.uri}/${experimentId}/models/${modelId}/artifacts`,
      creation_timestamp: createdAt,
      last_updated_timestamp: createdAt,
      source_run_id: runId,
      status: READY,
      status_message: null,
      model_type: null,
      lifecycle_stage: 'active',
    });
  });
  await folder.create(join(run, 'outputs', modelId), (draft) =>
    writeMeta(folder, draft, {
      source_type: 'RUN_OUTPUT',
      source_id: modelId,
      destination_type: 'MODEL_OUTPUT',
      destination_id: modelId,
      tags: {},
      step: model.step ?? 0,
    }),
  );
  return modelId;
}
