import { z } from 'zod';
import type { NewVersion } from '../tracker.ts';
import { codeOf } from './failure.ts';
import { equalsFilter } from './run.ts';
import { anything, type Http } from './http.ts';

const modelVersion = z.object({
  name: z.string(),
  version: z.string(),
  source: z.string().default(''),
  run_id: z.string().default(''),
  tags: z.array(z.object({ key: z.string(), value: z.string().default('') })).default([]),
});
const one = z.object({ model_version: modelVersion });
const many = z.object({ model_versions: z.array(modelVersion).default([]) });

/**
 * Returns the version of a registered model that a run made. It is created if there is none. Later ones with the same
 * tags are deleted: an attempt leaves one if it ends after it has created it.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#create-modelversion
 */
export async function registerModel(http: Http, wanted: NewVersion): Promise<string> {
  const known = await findVersions(http, wanted);
  if (known.length > 0) return keepFirst(http, wanted, known);
  // An attempt that is given up meanwhile still looks whether a concurrent one was first: nothing else may do so later.
  const lasting = http.lasting();
  const ours = await createVersion(lasting, wanted);
  const found = await findVersions(lasting, wanted);
  return keepFirst(lasting, wanted, found.length > 0 ? found : [ours]);
}

type Version = z.infer<typeof modelVersion>;

/** Returns the first version, and deletes the others that have the tags of the wanted one. */
async function keepFirst(
  http: Http,
  { name, tags = {} }: NewVersion,
  [first, ...others]: Version[],
): Promise<string> {
  const repeats = others.filter((other) =>
    Object.entries(tags).every(([key, value]) =>
      other.tags.some((tag) => tag.key === key && tag.value === value),
    ),
  );
  for (const { version } of repeats) await deleteVersion(http, { name, version });
  return first!.version;
}

/** The versions that a run made of its model, the first one first. */
async function findVersions(http: Http, wanted: NewVersion): Promise<Version[]> {
  const query = {
    filter: equalsFilter([
      ['name', wanted.name],
      ['run_id', wanted.runId],
    ]),
  };
  const { model_versions: versions } = await http.get('model-versions/search', query, many);
  return versions
    .filter(({ name, run_id: runId }) => name === wanted.name && runId === wanted.runId)
    .filter(({ source }) => source === sourceOf(wanted))
    .sort((a, b) => Number(a.version) - Number(b.version));
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#delete-modelversion */
async function deleteVersion(http: Http, of: { name: string; version: string }): Promise<void> {
  try {
    await http.delete('model-versions/delete', of);
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_DOES_NOT_EXIST') throw error;
  }
}

async function createVersion(http: Http, wanted: NewVersion): Promise<Version> {
  const { name } = wanted;
  const body = {
    name,
    source: sourceOf(wanted),
    run_id: wanted.runId,
    model_id: wanted.modelId,
    tags: Object.entries(wanted.tags ?? {}).map(([key, value]) => ({ key, value })),
  };
  const create = () => http.post('model-versions/create', body, one);
  try {
    return (await create()).model_version;
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_DOES_NOT_EXIST') throw error;
    // The registered model is created only when its first version needs it, so later versions cost one request.
    await ensureRegisteredModel(http, wanted);
    return (await create()).model_version;
  }
}

async function ensureRegisteredModel(
  http: Http,
  { name, modelDescription: description }: NewVersion,
): Promise<void> {
  try {
    await http.post('registered-models/create', { name, description }, anything);
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error;
  }
}

function sourceOf({ modelId }: NewVersion): string {
  return `models:/${modelId}`;
}

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#update-modelversion */
export async function describeVersion(
  http: Http,
  version: { name: string; version: string; description: string },
): Promise<void> {
  await http.patch('model-versions/update', version, anything);
}

/**
 * Returns the version that an alias points at; null where there is no such alias, or no such model.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#get-model-version-by-alias
 */
export async function getAlias(
  http: Http,
  query: { name: string; alias: string },
): Promise<string | null> {
  try {
    return (await http.get('registered-models/alias', query, one)).model_version.version;
  } catch (error) {
    // MLflow calls a name that it does not know an invalid parameter.
    const code = codeOf(error);
    if (code === 'RESOURCE_DOES_NOT_EXIST' || code === 'INVALID_PARAMETER_VALUE') return null;
    throw error;
  }
}

/**
 * Points an alias at a version; false where the registry does not have that version.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#set-registered-model-alias
 */
export async function setAlias(
  http: Http,
  { name, alias, version }: { name: string; alias: string; version: string },
): Promise<boolean> {
  try {
    await http.post('registered-models/alias', { name, alias, version }, anything);
    return true;
  } catch (error) {
    if (codeOf(error) === 'RESOURCE_DOES_NOT_EXIST') return false;
    throw error;
  }
}
