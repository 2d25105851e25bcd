import { proxyActivities } from '@temporalio/workflow';
import type { StageActivities } from '../contract/activities.ts';
import {
  findEntry,
  LAST_STAGE,
  MOST_DAMAGED,
  STAGES,
  stagesUntil,
  type FactShape,
  type HandedOn,
  type Healed,
  type InputSource,
  type RunSettings,
  type StageCall,
  type StageEntry,
  type StageName,
  type StageRequest,
  type StageResult,
} from '../contract/stages.ts';
import type { Ref } from '../contract/ref.ts';
import type { PinnedRun, RunSummary, StageLine } from '../contract/train-batch.ts';
import { groupDigits } from '../contract/markdown.ts';
import { HEARTBEAT_TIMEOUT, overrideHeartbeat, RETRY } from './activity-options.ts';

/** The activity of a stage, with the queue and the timeouts that the stage graph gives it. */
function openActivity<Stage extends StageName>(stage: Stage, run: PinnedRun): StageActivity<Stage> {
  const { cpuTaskQueue } = run;
  const { queue, timeout }: StageEntry = STAGES[stage];
  const activities: { [Name in StageName]: StageActivity<Name> } = proxyActivities<StageActivities>(
    {
      startToCloseTimeout: timeout ?? '1h',
      heartbeatTimeout: HEARTBEAT_TIMEOUT,
      ...overrideHeartbeat(run),
      retry: RETRY,
      // A cancelled stage ends its requests before its MLflow run is ended, not after.
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      ...(queue === 'compute' && cpuTaskQueue !== undefined ? { taskQueue: cpuTaskQueue } : {}),
    },
  );
  return activities[stage];
}

interface StageActivity<Stage extends StageName> {
  executeWithOptions: (
    options: { summary: string },
    args: [StageRequest<Stage>],
  ) => Promise<StageResult<Stage>>;
}

type Results = { [Stage in StageName]?: StageResult<Stage> };

/** Runs a workflow's stages in turn and keeps the summary that `progress` shows and the run returns. */
export class StageRunner {
  readonly summary: RunSummary;
  readonly #run: PinnedRun;
  readonly #forceId: string | null;
  readonly #show: () => void;
  #results: Results = {};
  #handedOn: Partial<HandedOn> = {};

  /**
   * @param firstRunId the first execution run id, which a reset does not change
   * @param show is called when a stage begins or ends
   */
  constructor(run: PinnedRun, firstRunId: string, show: () => void) {
    this.#run = run;
    this.#show = show;
    // A repair logs to the MLflow run of the build that it repairs.
    this.#forceId = run.repair?.forced_by ?? (run.force && !run.repair ? firstRunId : null);
    this.summary = {
      pipeline: run.pipeline,
      batch: run.batch,
      version: null,
      mlflow: null,
      warnings: [],
      healed: [],
      stages: stagesUntil(run.until).map((stage) => ({ stage, state: 'waiting' })),
      params: run.params,
      paramsHash: run.paramsHash,
    };
  }

  /** Runs one stage on the outputs of the stages before it, and updates its line. */
  async run(stage: StageName): Promise<void> {
    const line = this.#line(stage);
    line.state = 'running';
    this.#show();
    const summary = writeLabel(stage, this.#run, this.#results);
    const activity = openActivity(stage, this.#run);
    const result = await activity.executeWithOptions({ summary }, [this.#requestOf(stage)]);
    this.#results = { ...this.#results, [stage]: result };
    for (const name of STAGES[stage].gives)
      this.#handedOn = { ...this.#handedOn, [name]: result[name as keyof typeof result] };
    this.summary.mlflow = this.#handedOn.mlflow ?? null;
    this.summary.comparisons = this.#handedOn.comparisons ?? [];
    const { decision } = this.#handedOn;
    if (decision !== undefined) this.summary.decision = decision;
    line.state = result.cached ? 'cached' : 'done';
    line.key = result.key;
    line.durationMs = result.durationMs;
    line.made = describeFacts(stage, result.facts);
    const { healed, warnings } = this.summary;
    for (const object of result.healed)
      if (!healed.some(({ md5 }) => md5 === object.md5)) healed.push(object);
    for (const warning of result.warnings.map((text) => `${stage}: ${text}`))
      if (!warnings.includes(warning)) warnings.push(warning);
    this.#show();
  }

  /** The request of a stage: the common fields, and those that its entry in the graph names. */
  #requestOf<Stage extends StageName>(stage: Stage): StageRequest<Stage> {
    const inputs = Object.entries<InputSource>(STAGES[stage].inputs).flatMap(([name, input]) =>
      'stage' in input ? [[name, this.#output(input)] as const] : [],
    );
    const extras = STAGES[stage].takes.map((name) => [name, this.#extra(name)] as const);
    // Both the type of a request and these names come from the graph.
    return {
      ...this.#call(stage),
      ...Object.fromEntries(extras),
      inputs: Object.fromEntries(inputs),
    } as StageRequest<Stage>;
  }

  #call(stage: StageName): StageCall {
    const { pipeline, batch, params, only, force, damaged = [] } = this.#run;
    const required = only !== null && only !== stage;
    return {
      pipeline,
      batch,
      params,
      damaged: [...damaged, ...this.summary.healed.map(({ md5 }) => md5)],
      cache: required ? 'require' : force ? 'bypass' : 'use',
      force: this.#forceId,
    };
  }

  #output({ stage, output }: { stage: string; output: string }): Ref {
    const outputs: Record<string, Ref> = this.#results[stage as StageName]?.outputs ?? {};
    const ref = outputs[output];
    if (ref === undefined) throw new Error(`${stage} has not made ${output}`);
    return ref;
  }

  #extra<Name extends keyof (RunSettings & HandedOn)>(
    name: Name,
  ): Required<RunSettings & HandedOn>[Name] {
    const { source, refresh = false, trackingFolder = null, trial = null, until } = this.#run;
    const mayDefer = until === LAST_STAGE;
    // The decision of a build that is repaired is about the champion that there was.
    const { champion } = this.#run.repair ?? {};
    const was = champion === undefined ? {} : { champion };
    const known = { source, refresh, trackingFolder, mayDefer, trial, ...this.#handedOn, ...was };
    const value = (known as Partial<Required<RunSettings & HandedOn>>)[name];
    if (value === undefined) throw new Error(`no stage has handed on ${name}`);
    return value;
  }

  /** A value that a stage has handed on. */
  handedOn<Name extends keyof HandedOn>(name: Name): HandedOn[Name] {
    return this.#extra(name);
  }

  /** Marks the stage that was running as failed, and names it. */
  fail(): StageName | undefined {
    const line = this.summary.stages.find(({ state }) => state === 'running');
    if (line !== undefined) line.state = 'failed';
    return line?.stage;
  }

  /**
   * Notes a damaged object. Then the stages run from the first once more: the stage that made the object makes it
   * again, and the others are cache hits.
   * @returns false when that has been tried for this object already, or for too many objects
   */
  noteDamaged(object: Healed): boolean {
    const { healed } = this.summary;
    if (healed.length >= MOST_DAMAGED || healed.some(({ md5 }) => md5 === object.md5)) return false;
    healed.push(object);
    return true;
  }

  /** Whether a stage has begun that writes to the MLflow run. */
  hasTracked(): boolean {
    return this.summary.stages.some(
      ({ stage, state }) => state !== 'waiting' && findEntry(stage)?.tracked === true,
    );
  }

  /** The finished stages, as the version record takes them. */
  done(): { stage: StageName; key: string; cached: boolean }[] {
    return this.summary.stages.flatMap(({ stage, key, state }) =>
      key === undefined ? [] : [{ stage, key, cached: state === 'cached' }],
    );
  }

  #line(stage: StageName): StageLine {
    return this.summary.stages.find((line) => line.stage === stage) ?? { stage, state: 'waiting' };
  }
}

/**
 * The label of a stage, about its inputs: "1 240 rows · depth 5". Temporal's Web UI puts the name of the activity
 * before it, so that a person reads "train • 1 240 rows · depth 5".
 */
function writeLabel(stage: StageName, { batch, params }: PinnedRun, results: Results): string {
  const count = (from: string, fact: string, unit: string): string => {
    const facts: Record<string, unknown> = { ...results[from as StageName]?.facts };
    return formatCount(facts[fact], unit);
  };
  return joinWords(STAGES[stage].label({ batch, params, count }));
}

/** The facts of a stage that are shown: "120 train rows · 30 test rows". */
function describeFacts(stage: StageName, facts: object): string {
  const values: Record<string, unknown> = { ...facts };
  return joinWords(
    Object.entries<FactShape>(STAGES[stage].facts).map(([name, { unit, shown }]) => {
      const value = values[name];
      if (shown === true && typeof value === 'string') return value;
      return unit === undefined ? '' : formatCount(value, unit);
    }),
  );
}

function joinWords(words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' · ');
}

function formatCount(count: unknown, unit: string): string {
  return typeof count === 'number' ? `${groupDigits(count)} ${unit}` : '';
}
