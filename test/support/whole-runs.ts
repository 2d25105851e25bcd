import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { stringify } from 'yaml';
import { createActivities } from '../../activities/index.ts';
import { computeHere } from '../../client/commands/pending/looking.ts';
import { loadConfig, loadConfigs } from '../../config/environment.ts';
import type { Activities } from '../../contract/activities.ts';
import {
  STAGE_NAMES,
  STAGES,
  findStage,
  type Healed,
  type InputSource,
  type StageName,
  type StageOutcome,
  type StageRequest,
} from '../../contract/stages.ts';
import type { Repair } from '../../contract/train-batch.ts';
import type { PublishResult } from '../../contract/versions.ts';
import { limitsFromEnv } from '../../sources/source.ts';
import { storeIn, type Store } from '../../store/index.ts';
import { readParams } from '../../store/record-check.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { MemoryBucket } from './memory-bucket.ts';

/** What a caller of a run asks for. */
interface Asked {
  pipeline?: string;
  params?: Record<string, unknown>;
  publish?: boolean;
  damaged?: string[];
  repair?: Repair;
  /** The stage after which it ends; then it publishes nothing. */
  until?: StageName;
}

/** A registry of models in memory. */
interface Registry {
  /** The run that made each version, from version 1. */
  versions: string[];
  aliases: Record<string, string>;
  /** The description of each version. */
  descriptions: Record<string, string>;
  /** The tags and the metrics of each run. */
  tags: Record<string, Record<string, string>>;
  metrics: Record<string, Record<string, number>>;
}

/**
 * The real activities on a bucket in memory, a tracking directory, and a registry in memory. A run plays them in
 * the order of the stage graph, as the workflow does.
 */
export interface WholeRuns {
  store: Store;
  registry: Registry;
  write: (name: string, text: string) => void;
  run: (batch: number, asked?: Asked) => Promise<PublishResult | undefined>;
  play: <Name extends keyof Activities>(
    name: Name,
    request: Parameters<Activities[Name]>[0],
  ) => Promise<Awaited<ReturnType<Activities[Name]>>>;
  close: () => void;
}

export function openWholeRuns(paramsFile: unknown = {}): WholeRuns {
  const root = mkdtempSync(join(tmpdir(), 'retrain runs '));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  write('params.yaml', stringify(paramsFile));
  const store = storeIn(new MemoryBucket());
  const registry: Registry = {
    versions: [],
    aliases: {},
    descriptions: {},
    tags: {},
    metrics: {},
  };
  const tracker = trackWithRegistry(createFilesTracker({ path: join(root, 'mlruns') }), registry);
  const configs = loadConfigs(root, {});
  const activities = createActivities({
    store,
    local: new LocalCache(join(root, 'cache')),
    trackingOf: (pipeline) => ({ tracker, ...configs(pipeline).tracking }),
    compute: computeHere,
    readConfig: (pipeline) => loadConfig(root, {}, pipeline),
    root,
    scratch: join(root, 'scratch'),
    sources: { s3: { region: 'us-east-1', bucket: 'unused' }, limits: limitsFromEnv({}) },
    gitCommit: undefined,
    temporal: { webUi: 'http://temporal', namespace: 'default' },
  });
  let runs = 0;
  const playIn = async <Answer>(
    runId: string,
    name: keyof Activities,
    request: unknown,
  ): Promise<Answer> =>
    new MockActivityEnvironment(
      { activityType: name, activityId: name, workflowExecution: { workflowId: 'w', runId } },
      { logger: new DefaultLogger('ERROR', () => undefined) },
    ).run(activities[name] as (request: unknown) => Promise<Answer>, request);
  const run: WholeRuns['run'] = async (batch, { until, ...asked } = {}) => {
    const runId = `run-${runs++}`;
    const pinned = await activities.pin_run({ batch, ...asked });
    const { pipeline, params, paramsHash, trial, damaged = [], repair } = pinned;
    const { champion, forced_by: force = null } = repair ?? {};
    const results: Partial<Record<StageName, StageOutcome<StageName>>> = {};
    let handedOn: Record<string, unknown> = {
      source: null,
      refresh: false,
      trackingFolder: null,
      mayDefer: false,
      trial: trial ?? null,
    };
    const healed: Healed[] = [];
    for (const stage of STAGE_NAMES) {
      const inputs = Object.entries<InputSource>(STAGES[stage].inputs).flatMap(([name, input]) =>
        'stage' in input
          ? [[name, (results[input.stage as StageName]!.outputs as never)[input.output]]]
          : [],
      );
      const result: StageOutcome<StageName> = await playIn(runId, stage, {
        pipeline,
        batch,
        params,
        damaged: [...damaged, ...healed.map(({ md5 }) => md5)],
        cache: 'use',
        force,
        inputs: Object.fromEntries(inputs),
        ...Object.fromEntries(STAGES[stage].takes.map((name) => [name, handedOn[name]])),
      });
      results[stage] = result;
      healed.push(...result.healed);
      handedOn = { ...handedOn, ...result, ...(champion === undefined ? {} : { champion }) };
      if (stage === until) return undefined;
    }
    return playIn(runId, 'publish_version', {
      pipeline,
      batch,
      params,
      paramsHash,
      stages: Object.values(results).map(({ stage, key, cached }) => ({ stage, key, cached })),
      ledgerRevision: handedOn['ledgerRevision'],
      attempt: handedOn['attempt'],
      mlflow: handedOn['mlflow'],
      comparisons: handedOn['comparisons'],
      healed,
      forced: false,
      ...(trial === undefined ? {} : { trial }),
      ...(repair === undefined ? {} : { repair: true }),
    });
  };
  return {
    store,
    registry,
    write,
    run,
    play: (name, request) => playIn<never>(`run-${runs++}`, name, request),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
}

function trackWithRegistry(files: Tracker, registry: Registry): Tracker {
  const own: Tracker = {
    ...files,
    uri: 'http://mlflow',
    place: () => 'http://mlflow',
    withSignal: () => own,
    createRun: async (run) => {
      const runId = await files.createRun(run);
      registry.tags[runId] = { ...run.tags };
      return runId;
    },
    setTags: async (runId, tags) => {
      Object.assign((registry.tags[runId] ??= {}), tags);
      await files.setTags(runId, tags);
    },
    logMetrics: async (runId, metrics, at) => {
      Object.assign((registry.metrics[runId] ??= {}), metrics);
      await files.logMetrics(runId, metrics, at);
    },
    registerModel: async ({ runId }) => {
      if (!registry.versions.includes(runId)) registry.versions.push(runId);
      return String(registry.versions.indexOf(runId) + 1);
    },
    describeVersion: async ({ version, description }) => {
      registry.descriptions[version] = description;
    },
    setAlias: async ({ name, alias, version }) => {
      registry.aliases[`${name}@${alias}`] = version;
      return true;
    },
  };
  return own;
}

/** The request with which the workflow would evaluate a version again. */
export function makeEvaluateRequest(record: VersionRecord): StageRequest<'evaluate'> {
  const { inputs } = findStage(record.stages, 'evaluate')!;
  return {
    pipeline: record.pipeline,
    batch: record.version,
    params: readParams(record),
    cache: 'use',
    damaged: [],
    force: null,
    attempt: 'none',
    mlflow: null,
    mayDefer: false,
    trial: null,
    inputs: inputs as Required<typeof inputs>,
  };
}
