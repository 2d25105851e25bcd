import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { TrackingRefused } from '../../contract/failures.ts';
import { paramValue, tagValue } from '../mlflow/limits.ts';
import type { Content, Dataset, MetricPoint, ParamValue } from '../tracker.ts';
import { type Folder, modelPath } from './folder.ts';
import { writeMeta, toFilePaths } from './meta.ts';
import { requireRun } from './run.ts';

/** Writes one file for each param. Another value for a logged param is refused, as a server does. */
export async function logParams(
  folder: Folder,
  runId: string,
  params: Record<string, ParamValue>,
): Promise<void> {
  const { path } = await requireRun(folder, runId);
  for (const [name, value] of toFilePaths(params)) {
    const file = join(path, 'params', name);
    const text = paramValue(value);
    const logged = await folder.read(file);
    if (logged === undefined) await folder.write(file, text);
    else if (logged !== text)
      throw new TrackingRefused(
        `param ${name} of run ${runId} is "${logged}" in ${folder.path} and cannot become "${text}": Changing param values is not allowed`,
      );
  }
}

/** Writes one line for each point. A point that is there already is not added. */
export async function logMetrics(
  folder: Folder,
  runId: string,
  metrics: Record<string, number>,
  at: MetricPoint,
): Promise<void> {
  const { path, experimentId } = await requireRun(folder, runId);
  const model = at.modelId === undefined ? undefined : modelPath(folder, experimentId, at.modelId);
  await folder.alone(runId, async () => {
    for (const [name, value] of toFilePaths(metrics)) {
      const point = `${at.timestamp} ${value} ${at.step}`;
      // A run's line does not name the data set, because MLflow would read the step of a longer line as 0.
      await addLine(folder, join(path, 'metrics', name), point);
      if (model !== undefined)
        await addLine(
          folder,
          join(model, 'metrics', name),
          `${point} ${runId}${describeDataset(at)}`,
        );
    }
  });
}

/** Names the data set of a point. Spaces separate the fields of a line, so a name with a space is left out. */
function describeDataset({ dataset }: MetricPoint): string {
  if (dataset === undefined || /\s/.test(dataset.name + dataset.digest)) return '';
  return ` ${dataset.name} ${dataset.digest}`;
}

async function addLine(folder: Folder, file: string, line: string): Promise<void> {
  const before = (await folder.read(file)) ?? '';
  if (!before.split('\n').includes(line)) await folder.write(file, `${before}${line}\n`);
}

export async function setTags(
  folder: Folder,
  runId: string,
  tags: Record<string, string>,
): Promise<void> {
  const { path } = await requireRun(folder, runId);
  for (const [name, value] of toFilePaths(tags))
    await folder.write(join(path, 'tags', name), tagValue(value));
}

/** Writes data sets into the experiment, by name and digest, and enters each as an input of the run. */
export async function logInputs(
  folder: Folder,
  runId: string,
  datasets: Dataset[],
  modelId?: string,
): Promise<void> {
  const { path, experimentId } = await requireRun(folder, runId);
  for (const { name, digest, sourceType, source, schema, profile, context } of datasets) {
    const id = md5(name, digest);
    const described = { name, digest, source_type: sourceType, source, schema, profile };
    await folder.create(folder.at(experimentId, 'datasets', id), (draft) =>
      writeMeta(folder, draft, described),
    );
    const tags = { 'mlflow.data.context': context };
    await enterInput(folder, { run: path, runId, type: 'DATASET', id, tags });
  }
  if (modelId !== undefined)
    await enterInput(folder, { run: path, runId, type: 'MODEL', id: modelId, tags: {} });
}

async function enterInput(
  folder: Folder,
  input: { run: string; runId: string; type: string; id: string; tags: object },
): Promise<void> {
  const { run, runId, type, id, tags } = input;
  await folder.create(join(run, 'inputs', md5(id, runId)), (draft) =>
    writeMeta(folder, draft, {
      source_type: type,
      source_id: id,
      destination_type: 'RUN',
      destination_id: runId,
      tags,
    }),
  );
}

/** Stores a file of a run. */
export async function logArtifact(
  folder: Folder,
  runId: string,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const { meta } = await requireRun(folder, runId);
  await storeFile(folder, artifactFolder(folder, meta.artifact_uri), path, { bytes });
}

/** Writes a file under a folder of artifacts. */
export async function storeFile(
  folder: Folder,
  root: string,
  path: string,
  from: Content,
): Promise<void> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..'))
    throw new TrackingRefused(`the artifact path "${path}" leads out of its run: use another path`);
  await mkdir(root, { recursive: true });
  const to = join(root, ...parts);
  await ('file' in from ? folder.copy(from.file, to) : folder.write(to, from.bytes));
}

function artifactFolder(folder: Folder, uri: string): string {
  if (uri.startsWith('file:')) return fileURLToPath(uri);
  throw new TrackingRefused(
    `the experiment in ${folder.path} keeps its files at ${uri.replace(/\/\/[^/@]*@/, '//')}, not in the directory: set another mlflow.experiment_name`,
  );
}

/** Returns the ID that MLflow gives to a data set or an input. */
function md5(first: string, second: string): string {
  return createHash('md5').update(first).update(second).digest('hex');
}
