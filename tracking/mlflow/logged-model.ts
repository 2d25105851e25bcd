import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { ModelFile, NewModel } from '../tracker.ts';
import { uploadArtifact } from './run-data.ts';
import { equalsFilter, type RunPlaces } from './run.ts';
import { anything, type Http } from './http.ts';
import { paramValue, tagValue } from './limits.ts';

const loggedModel = z.object({
  info: z.object({
    model_id: z.string(),
    name: z.string(),
    status: z.string(),
    source_run_id: z.string().default(''),
    creation_timestamp_ms: z.coerce.number().default(0),
    artifact_uri: z.string(),
  }),
});
const one = z.object({ model: loggedModel });
const many = z.object({ models: z.array(loggedModel).default([]) });
const outputs = z.object({
  run: z.object({
    outputs: z
      .object({ model_outputs: z.array(z.object({ model_id: z.string() })).default([]) })
      .default({ model_outputs: [] }),
  }),
});
const READY = 'LOGGED_MODEL_READY';
type Info = z.infer<typeof loggedModel>['info'];

/**
 * Creates a LoggedModel, uploads its files, marks it as ready, and enters it as an output of the run. The work
 * of an earlier attempt is found and finished. The files of a ready model stay as they are.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#create-logged-model
 */
export async function logModel(
  http: Http,
  places: RunPlaces,
  runId: string,
  model: NewModel,
): Promise<string> {
  const { experimentId } = await places.of(http, runId);
  const look = (by = http) => findModel(by, experimentId, runId, model.name);
  const existing = await look();
  // An attempt that is given up meanwhile still looks whether another was first: nothing else may do so later.
  const lasting = http.lasting();
  const info = existing ?? (await create(lasting, experimentId, runId, model));
  const modelId = info.model_id;
  // Another attempt may be running: an activity that timed out and has not ended yet. When both have created a model, at
  // least one of the two sees the other's. It deletes its own model.
  const giveWay = async (): Promise<boolean> => {
    const chosen = existing === undefined ? await look(lasting) : info;
    if (chosen === undefined || chosen.model_id === modelId) return false;
    await lasting.delete(`logged-models/${modelId}`, {});
    return true;
  };
  if (info.status !== READY) {
    try {
      const files = await model.files({ modelId, runId });
      await Promise.all(files.map(async (file) => upload(http, info, file)));
    } catch (error) {
      await giveWay().catch(() => undefined); // the first error is the one to report
      throw error;
    }
    // The other model may be unfinished.
    if (await giveWay()) return logModel(http, places, runId, model);
    const ready = { model_id: modelId, status: READY };
    await http.patch(`logged-models/${modelId}`, ready, anything);
  }
  await markOutput(http, runId, modelId, model.step ?? 0);
  return modelId;
}

async function upload(http: Http, { artifact_uri: uri }: Info, file: ModelFile): Promise<void> {
  const body =
    'file' in file ? { file: file.file, size: (await stat(file.file)).size } : file.bytes;
  await uploadArtifact(http, uri, file.path, body);
}

/** Returns the run's model of this name: the ready one, or else the oldest. */
async function findModel(
  http: Http,
  experimentId: string,
  runId: string,
  name: string,
): Promise<Info | undefined> {
  const body = {
    experiment_ids: [experimentId],
    filter: equalsFilter([
      ['source_run_id', runId],
      ['name', name],
    ]),
  };
  const { models } = await http.search('logged-models/search', body, many);
  const ours = models
    .map(({ info }) => info)
    .filter((info) => info.source_run_id === runId && info.name === name)
    .sort(
      (a, b) =>
        a.creation_timestamp_ms - b.creation_timestamp_ms || (a.model_id < b.model_id ? -1 : 1),
    );
  return ours.find(({ status }) => status === READY) ?? ours[0];
}

async function create(
  http: Http,
  experimentId: string,
  runId: string,
  model: NewModel,
): Promise<Info> {
  const body = {
    experiment_id: experimentId,
    name: model.name,
    source_run_id: runId,
    params: Object.entries(model.params ?? {}).map(([key, value]) => ({
      key,
      value: paramValue(value),
    })),
    tags: Object.entries(model.tags ?? {}).map(([key, value]) => ({ key, value: tagValue(value) })),
  };
  return (await http.post('logged-models', body, one)).model.info;
}

/** Enters the model as an output. The server refuses a repeat, so after a failure the run is checked. */
async function markOutput(http: Http, runId: string, modelId: string, step: number): Promise<void> {
  try {
    const body = { run_id: runId, models: [{ model_id: modelId, step }] };
    await http.post('runs/outputs', body, anything);
  } catch (error) {
    const { run } = await http.get('runs/get', { run_id: runId }, outputs);
    if (!run.outputs.model_outputs.some((output) => output.model_id === modelId)) throw error;
  }
}
