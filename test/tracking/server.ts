import { randomUUID } from 'node:crypto';
import type { NewModel } from '../../tracking/tracker.ts';

/** The real server the contract tests talk to, past the code under test. */

export function fromStack(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the test stack sets it`);
  return value;
}

export const uri = fromStack('MLFLOW_TRACKING_URI');

/** A name no other test uses. */
export function fresh(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** What the server says, past the code under test. */
export async function ask(
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, never>> {
  const answer = await fetch(`${uri}/api/2.0/mlflow/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Record<string, never>;
}

interface RunAnswer {
  info: { status: string; end_time: number; lifecycle_stage: string; artifact_uri: string };
  data: { params?: Pair[]; metrics?: Pair[]; tags: Pair[] };
  inputs?: { dataset_inputs?: DatasetInput[]; model_inputs?: object[] };
  outputs?: { model_outputs?: { model_id: string; step: number }[] };
}
export interface Pair {
  key: string;
  value: string | number;
}
interface DatasetInput {
  dataset: { name: string; digest: string; source: string };
  tags: Pair[];
}

export async function runOf(runId: string): Promise<RunAnswer> {
  return (await ask('GET', `runs/get?run_id=${runId}`))['run'] as unknown as RunAnswer;
}

export async function historyOf(runId: string, name: string): Promise<object[]> {
  const query = new URLSearchParams({ run_id: runId, metric_key: name }).toString();
  return (await ask('GET', `metrics/get-history?${query}`))['metrics'] ?? [];
}

export async function modelsOf(experiment: string, runId: string): Promise<object[]> {
  const filter = `source_run_id = '${runId}'`;
  const body = { experiment_ids: [experiment], filter };
  return (await ask('POST', 'logged-models/search', body))['models'] ?? [];
}

interface VersionAnswer {
  version: string;
  source: string;
  run_id: string;
  tags: { key: string; value: string }[];
}

/** The versions of a registered model, the first one first. */
export async function versionsOf(name: string): Promise<VersionAnswer[]> {
  const query = new URLSearchParams({ filter: `name = '${name}'` }).toString();
  const { model_versions: versions } = await ask('GET', `model-versions/search?${query}`);
  return (versions as unknown as VersionAnswer[]).sort(
    (a, b) => Number(a.version) - Number(b.version),
  );
}

/** The same call as a retry would make it. */
export async function twice<T>(act: () => Promise<T>): Promise<[T, T]> {
  return [await act(), await act()];
}

export const small: NewModel = {
  name: 'tree',
  step: 3,
  params: { max_depth: 5, min_gain: 0, pruned: false, note: null },
  tags: { batch: '3' },
  files: ({ modelId }) => [{ path: 'a/b c.txt', bytes: Buffer.from(modelId) }],
};
