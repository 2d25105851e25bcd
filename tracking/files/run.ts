import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { tagValue } from '../mlflow/limits.ts';
import type { FinalStatus, FoundRun, NewRun } from '../tracker.ts';
import { TrackingRefused } from '../../contract/failures.ts';
import { experimentIds } from './experiment.ts';
import { noRun, type Folder } from './folder.ts';
import { experimentMeta, readMeta, RUN_STATUSES, runMeta, writeMeta, toFilePaths } from './meta.ts';

type RunMeta = z.infer<typeof runMeta>;

/** Folders of an experiment that are not runs. */
const RESERVED = new Set(['tags', 'datasets', 'traces', 'models']);

/** A run's folder and its `meta.yaml`. */
export interface PlacedRun {
  path: string;
  experimentId: string;
  meta: RunMeta;
}

/** Starts a run. Its folder appears with everything that MLflow requires in it, or not at all. */
export async function createRun(folder: Folder, run: NewRun): Promise<string> {
  const { experimentId } = run;
  const experiment = await readMeta(folder, folder.at(experimentId), experimentMeta);
  if (experiment === undefined)
    throw new TrackingRefused(
      `experiment ${experimentId} is not in the tracking directory ${folder.path}: run it again`,
      { details: { code: 'RESOURCE_DOES_NOT_EXIST' } },
    );
  const runId = randomUUID().replaceAll('-', '');
  await folder.create(folder.at(experimentId, runId), async (draft) => {
    for (const part of ['metrics', 'params', 'artifacts', 'tags']) await mkdir(join(draft, part));
    const tags = { 'mlflow.runName': run.name, 'mlflow.user': user(), ...run.tags };
    for (const [path, value] of toFilePaths(tags))
      await folder.write(join(draft, 'tags', path), tagValue(value));
    await writeMeta(folder, draft, {
      run_id: runId,
      run_uuid: runId,
      run_name: run.name,
      experiment_id: experimentId,
      user_id: user(),
      status: statusNumber('RUNNING'),
      start_time: run.startedAt,
      end_time: null,
      deleted_time: null,
      artifact_uri: `${experiment.artifact_location}/${runId}/artifacts`,
      lifecycle_stage: 'active',
      source_type: 4, // LOCAL
      source_name: '',
      source_version: '',
      entry_point_name: '',
      tags: [],
    });
  });
  return runId;
}

/** Returns the runs that are not deleted and have all these tags, oldest first. */
export async function findRuns(
  folder: Folder,
  experimentId: string,
  tags: Record<string, string>,
): Promise<FoundRun[]> {
  const wanted = toFilePaths(tags).map(([path, value]) => [path, tagValue(value)] as const);
  const found: FoundRun[] = [];
  for (const runId of await folder.folders(folder.at(experimentId))) {
    if (RESERVED.has(runId)) continue;
    const path = folder.at(experimentId, runId);
    if (!(await hasTags(folder, path, wanted))) continue;
    const meta = await readMeta(folder, path, runMeta);
    if (meta === undefined || meta.lifecycle_stage !== 'active') continue;
    found.push({
      runId,
      experimentId,
      name: meta.run_name ?? '',
      status: RUN_STATUSES[meta.status - 1]!,
      startedAt: meta.start_time ?? 0,
      tags,
    });
  }
  return found.sort((a, b) => a.startedAt - b.startedAt || (a.runId < b.runId ? -1 : 1));
}

async function hasTags(
  folder: Folder,
  run: string,
  wanted: readonly (readonly [string, string])[],
): Promise<boolean> {
  for (const [path, value] of wanted)
    if ((await folder.read(join(run, 'tags', path))) !== value) return false;
  return true;
}

/**
 * Returns the folder of a run.
 * @throws TrackingRefused when it does not exist or is deleted
 */
export async function requireRun(folder: Folder, runId: string): Promise<PlacedRun> {
  const found = await findRun(folder, runId);
  if (found === undefined || found.meta.lifecycle_stage !== 'active')
    throw noRun(folder.path, runId);
  return found;
}

/** Whether a run exists and is not deleted. */
export async function hasRun(folder: Folder, runId: string): Promise<boolean> {
  return (await findRun(folder, runId))?.meta.lifecycle_stage === 'active';
}

async function findRun(folder: Folder, runId: string): Promise<PlacedRun | undefined> {
  if (!/^[A-Za-z0-9][\w-]{0,255}$/.test(runId)) return undefined; // the ID becomes part of a path
  for (const experimentId of await experimentIds(folder)) {
    const path = folder.at(experimentId, runId);
    const meta = await readMeta(folder, path, runMeta);
    if (meta?.run_id === runId) return { path, experimentId, meta };
  }
  return undefined;
}

export async function deleteRun(folder: Folder, runId: string): Promise<void> {
  const change = { lifecycle_stage: 'deleted', deleted_time: Date.now() };
  if (await hasRun(folder, runId)) await update(folder, runId, change);
}

export async function resumeRun(folder: Folder, runId: string): Promise<void> {
  await update(folder, runId, { status: statusNumber('RUNNING') });
}

export async function finishRun(
  folder: Folder,
  runId: string,
  status: FinalStatus,
  endedAt: number,
): Promise<void> {
  await update(folder, runId, { status: statusNumber(status), end_time: endedAt });
}

export async function renameRun(folder: Folder, runId: string, name: string): Promise<void> {
  await update(folder, runId, { run_name: name });
  const { path } = await requireRun(folder, runId);
  await folder.write(join(path, 'tags', 'mlflow.runName'), tagValue(name));
}

async function update(folder: Folder, runId: string, change: object): Promise<void> {
  await folder.alone(runId, async () => {
    const { path, meta } = await requireRun(folder, runId);
    await writeMeta(folder, path, { ...meta, ...change });
  });
}

function statusNumber(status: (typeof RUN_STATUSES)[number]): number {
  return RUN_STATUSES.indexOf(status) + 1;
}

function user(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // a container's user may have no name
  }
}
