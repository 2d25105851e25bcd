import type { RunSummary } from '../../contract/train-batch.ts';
import { CHAMPION_ALIAS } from '../../contract/promotion.ts';
import { nameBuild } from '../../contract/versions.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import { verifyVersions } from '../../client/commands/verify/versions.ts';
import { BATCH, type Ground } from './ground.ts';

/** What a run leaves, in words that are the same for every run that did its work rightly. */
export interface Left {
  /** Paths and hashes of what each stage made, by stage. */
  outputs: Record<string, string[]>;
  metrics: Record<string, number>;
  /** Builds of the version in its record list. */
  builds: number;
  /** What `verify` finds wrong. */
  problems: string[];
  /** What happened to the champion, as `promoted 2.1`; the last line names the champion. */
  promotions: string[];
  /** Whether the alias in the registry points at the model of the version. */
  isAliased: boolean;
  mlflow: {
    /** The states of the runs of versions. */
    runs: string[];
    /** The states of the runs above them, which hold the scores of all versions. */
    pipelineRuns: string[];
    /** Points under each metric's name. */
    points: Record<string, number>;
    models: number;
    versions: number;
  };
}

/** Reads everything that a run of the ground's pipeline has left in the store and in MLflow. */
export async function readLeft(ground: Ground, summary: RunSummary): Promise<Left> {
  const { pipeline, project } = ground;
  const { store } = project;
  const record = await store.records.latest(pipeline, BATCH);
  const { problems } = await verifyVersions(store, { pipeline, version: undefined });
  let builds = 0;
  while ((await store.records.read(pipeline, BATCH, builds + 1)) !== undefined) builds++;
  return {
    outputs: Object.fromEntries(
      record.stages.map(({ stage, outputs }) => [
        stage,
        Object.values(outputs).map(({ path, sha256 }) => `${path} ${sha256}`),
      ]),
    ),
    metrics: record.metrics,
    builds,
    problems: problems.map(({ state, path, why }) => `${path} is ${state}: ${why}`),
    promotions: await readPromotions(ground),
    isAliased: await isAliased(ground, summary),
    mlflow: await readMlflow(ground, summary),
  };
}

async function readPromotions({ pipeline, project: { store } }: Ground): Promise<string[]> {
  const { champion = null, events = [] } = (await store.champions.read(pipeline)) ?? {};
  const now = champion === null ? 'none' : nameBuild(champion);
  return [...events.map((event) => `${event.action} ${nameBuild(event)}`), `champion ${now}`];
}

async function isAliased({ project, pipeline }: Ground, { mlflow }: RunSummary): Promise<boolean> {
  const tracker = createMlflowTracker({ uri: project.env['MLFLOW_TRACKING_URI']! });
  const found = await tracker.getAlias({ name: pipeline, alias: CHAMPION_ALIAS });
  return found === mlflow!.modelVersion;
}

async function readMlflow(
  { project, pipeline }: Ground,
  { mlflow }: RunSummary,
): Promise<Left['mlflow']> {
  const experimentId = mlflow!.experimentId;
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const url = `${project.env['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/${path}`;
    const headers = { 'content-type': 'application/json' };
    const sent = body && { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(url, sent);
    if (!answer.ok) throw new Error(`MLflow answers ${answer.status} to ${path}`);
    return (await answer.json()) as T;
  };
  const { runs = [] } = await ask<{ runs?: Run[] }>('runs/search', {
    experiment_ids: [experimentId],
  });
  const { models = [] } = await ask<{ models?: object[] }>('logged-models/search', {
    experiment_ids: [experimentId],
  });
  const filter = encodeURIComponent(`name='${pipeline}'`);
  const { model_versions: versions = [] } = await ask<{ model_versions?: object[] }>(
    `model-versions/search?filter=${filter}`,
  );
  const points: Record<string, number> = {};
  for (const { info, data } of runs)
    for (const { key } of data.metrics ?? []) {
      const query = new URLSearchParams({ run_id: info.run_id, metric_key: key }).toString();
      const { metrics } = await ask<{ metrics: object[] }>(`metrics/get-history?${query}`);
      points[key] = (points[key] ?? 0) + metrics.length;
    }
  const isPipelineRun = ({ data }: Run): boolean =>
    (data.tags ?? []).some(({ key }) => key === 'retrain.versions_of');
  const statuses = (some: readonly Run[]): string[] => some.map(({ info }) => info.status);
  return {
    runs: statuses(runs.filter((run) => !isPipelineRun(run))),
    pipelineRuns: statuses(runs.filter(isPipelineRun)),
    points,
    models: models.length,
    versions: versions.length,
  };
}

interface Run {
  info: { run_id: string; status: string };
  data: { metrics?: { key: string }[]; tags?: { key: string }[] };
}
