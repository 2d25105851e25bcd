import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TrackingRefused } from '../../contract/failures.ts';
import type { Folder } from './folder.ts';
import { experimentMeta, readMeta, writeMeta } from './meta.ts';

/** Folders of MLflow that are not experiments. */
const RESERVED = new Set(['models', '.trash']);

/** The default experiment of MLflow's clients. MLflow creates it in an empty folder. */
const DEFAULT = { id: '0', name: 'Default' };

/**
 * Returns the experiment's ID, and creates the experiment if there is none. The ID is computed from the name, so
 * that two processes that create it at once create one. It has nine digits, so that it fits a database's 32-bit
 * column after migration.
 */
export async function ensureExperiment(
  folder: Folder,
  name: string,
  description?: string,
): Promise<string> {
  await folder.prepare();
  await create(folder, DEFAULT);
  for (let turn = 0; ; turn++) {
    const existing = await experimentNamed(folder, name);
    if (existing !== undefined) return existing;
    // If another name has this ID, the next turn tries another ID.
    await create(folder, { id: idOf(name, turn), name, description });
  }
}

/** Returns the IDs of experiments that are not deleted. */
export async function experimentIds(folder: Folder): Promise<string[]> {
  const names = await folder.folders(folder.path);
  return names.filter((name) => !RESERVED.has(name) && !name.endsWith('.trash'));
}

async function experimentNamed(folder: Folder, name: string): Promise<string | undefined> {
  for (const id of await experimentIds(folder)) {
    const meta = await readMeta(folder, folder.at(id), experimentMeta);
    if (meta?.name === name && meta.experiment_id === id) return id;
  }
  for (const id of await folder.folders(folder.at('.trash'))) {
    const meta = await readMeta(folder, folder.at('.trash', id), experimentMeta);
    if (meta?.name === name) throw deletedError(folder, name, id);
  }
  return undefined;
}

function deletedError(folder: Folder, name: string, id: string): TrackingRefused {
  return new TrackingRefused(
    `experiment "${name}" was deleted in ${folder.path}: restore it with "MLFLOW_ALLOW_FILE_STORE=true MLFLOW_TRACKING_URI=${folder.uri} mlflow experiments restore --experiment-id ${id}", or set another mlflow.experiment_name`,
  );
}

async function create(
  folder: Folder,
  { id, name, description }: { id: string; name: string; description?: string | undefined },
): Promise<void> {
  const path = folder.at(id);
  if ((await folder.read(folder.at(id, 'meta.yaml'))) !== undefined) return;
  const now = Date.now();
  await folder.create(path, async (draft) => {
    if (description !== undefined)
      await folder.write(join(draft, 'tags', 'mlflow.note.content'), description);
    await writeMeta(folder, draft, {
      experiment_id: id,
      name,
      artifact_location: `${folder.uri}/${id}`,
      lifecycle_stage: 'active',
      creation_time: now,
      last_update_time: now,
    });
  });
}

function idOf(name: string, turn: number): string {
  const hash = createHash('sha256').update(`${turn} ${name}`).digest().readUInt32BE();
  return String(100_000_000 + (hash % 900_000_000));
}
