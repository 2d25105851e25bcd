import { Context } from '@temporalio/activity';
import { CancelledFailure, WorkflowNotFoundError } from '@temporalio/common';
import { DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import { type Execution, type Progress, isOpen } from '../contract/execution.ts';
import type { Params } from '../contract/params.ts';
import { isDirectory, type Ref } from '../contract/ref.ts';
import {
  MOST_DAMAGED,
  findShape,
  type StageDetail,
  type CacheUse,
  type Healed,
  type StageAnswer,
  type StageFacts,
  type StageInputs,
  type StageOutcome,
  type StageOutputs,
  type StepName,
} from '../contract/stages.ts';
import type { Store } from '../store/index.ts';
import type { RunOf } from '../store/leases.ts';
import { stageKey, type CacheEntry } from '../store/stage-cache.ts';
import { identityOf } from '../store/stage-identity.ts';
import { RETRAIN } from '../contract/command.ts';

/** The most warnings in one result. The cache entry and the version record keep every warning. */
const MOST_WARNINGS = 5;

/** The parts of a worker that every stage uses. */
export interface StageDeps {
  store: Pick<Store, 'artifacts' | 'cache'>;
}

/** The facts besides the params, for a stage whose cache key needs them. */
type WithDetail<Step extends StepName> =
  undefined extends StageDetail<Step> ? { detail?: undefined } : { detail: StageDetail<Step> };

/** The request of a stage, or of a step within a stage. */
export type StepCall<Step extends StepName> = {
  pipeline: string;
  batch: number;
  params: Params;
  cache: CacheUse;
  damaged: readonly string[];
  inputs: StageInputs<Step>;
} & WithDetail<Step>;

/** What the code of a stage receives: its inputs, and functions that store its outputs at the paths of the graph. */
export interface StageContext<Step extends StepName> {
  execution: Execution;
  batch: number;
  inputs: StageInputs<Step>;
  put: (output: keyof StageOutputs<Step>, bytes: Uint8Array) => Promise<Ref>;
  /** Stores a file of this machine. */
  putFile: (output: keyof StageOutputs<Step>, file: string) => Promise<Ref>;
  putDirectory: (output: keyof StageOutputs<Step>, files: readonly Ref[]) => Promise<Ref>;
  /** Stores bytes that an output refers to, and that are not an output themselves. */
  putBeside: (path: string, bytes: Uint8Array) => Promise<Ref>;
  /** Stores an input, if it is not stored yet, from a file of this machine with the same bytes. */
  keep: (ref: Ref, file: string) => Promise<Ref>;
}

/** What the code of a stage returns. */
export interface StageWork<Step extends StepName> {
  outputs: StageOutputs<Step>;
  facts: StageFacts<Step>;
  warnings?: string[];
  /** The objects that steps within the stage found missing and made again. */
  healed?: Healed[];
}

/**
 * Runs a stage, or takes its outputs from an earlier run. A retry finds what an earlier attempt stored.
 * @throws MissingHistory when the cache is required and has nothing
 */
export async function runStage<Step extends StepName>(
  deps: StageDeps,
  step: Step,
  call: StepCall<Step>,
  work: (context: StageContext<Step>) => Promise<StageWork<Step>>,
): Promise<StageOutcome<Step>> {
  const execution = currentExecution();
  const started = Date.now();
  const identity = identityOf(step, call);
  const key = stageKey(identity);
  const found = await deps.store.cache.lookUp(step, key);
  const missing = found?.missing ?? [];
  const self = { workflow_id: execution.workflowId, run_id: execution.runId };
  const healed = readHealed(execution, found?.entry);
  const isGood =
    found !== undefined &&
    missing.length === 0 &&
    !(await holdsDamaged(deps, found.entry, call.damaged));
  if (isGood && canTake(found.entry, call.cache, execution)) {
    const { entry } = found;
    const own = entry.producer.run_id === execution.runId || healed.length > 0;
    return makeOutcome(step, entry, {
      healed,
      cached: !own,
      durationMs: own ? entry.duration_ms : Date.now() - started,
      startedAt: new Date(started).toISOString(),
    });
  }
  if (call.cache === 'require') throw notRun(step, call, missing.length > 0);
  addHealed(healed, missing);
  // The entry names the missing objects before they are made again: a retry finds them stored, and reads it here.
  if (found !== undefined && missing.length > 0)
    await deps.store.cache.enter(
      { ...found.entry, ...healedField(self, healed) },
      { replace: true },
    );
  const rewrite = call.cache === 'bypass' || call.damaged.length > 0 || missing.length > 0;
  const { batch, inputs } = call;
  const made = await work({ execution, batch, inputs, ...makeStoring(deps, step, batch, rewrite) });
  addHealed(healed, made.healed ?? []);
  const times = {
    durationMs: Date.now() - started,
    startedAt: new Date(started).toISOString(),
  };
  const entry = await deps.store.cache.enter(
    {
      schema: 1,
      key,
      ...identity,
      outputs: made.outputs,
      facts: made.facts,
      warnings: made.warnings ?? [],
      producer: self,
      started_at: times.startedAt,
      duration_ms: times.durationMs,
      ...healedField(self, healed),
    },
    { replace: rewrite },
  );
  return makeOutcome(step, entry, { healed, cached: false, ...times });
}

function notRun(
  step: StepName,
  { pipeline, batch }: { pipeline: string; batch: number },
  lost: boolean,
): MissingHistory {
  const why = lost ? 'has lost its outputs' : 'has not been run with these params and inputs';
  const which = findShape(step).perBatch ? ` ${batch}` : '';
  return new MissingHistory(
    `${step} of batch ${batch} ${why}: run "${RETRAIN} stage ${step}${which} --pipeline ${pipeline}" first`,
  );
}

/** @param rewrite whether objects that are in the store already cannot be trusted */
function makeStoring<Step extends StepName>(
  { store: { artifacts } }: StageDeps,
  step: Step,
  batch: number,
  rewrite: boolean,
): Omit<StageContext<Step>, 'execution' | 'batch' | 'inputs'> {
  const pathOf = (output: keyof StageOutputs<Step>): string =>
    findShape(step).outputs[output as string]!(batch);
  return {
    put: (output, bytes) => artifacts.put(pathOf(output), bytes, { rewrite }),
    putFile: (output, file) => artifacts.putFile(pathOf(output), file, { rewrite }),
    putDirectory: (output, files) => artifacts.putDirectory(pathOf(output), files, { rewrite }),
    putBeside: (path, bytes) => artifacts.put(path, bytes, { rewrite }),
    keep: (ref, file) => artifacts.putFile(ref.path, file, { rewrite, known: ref }),
  };
}

/** A forced run takes from the cache only what it made itself, so that its retries do not start over. */
function canTake(entry: CacheEntry, use: CacheUse, execution: Execution): boolean {
  return use !== 'bypass' || entry.producer.run_id === execution.runId;
}

function makeOutcome<Step extends StepName>(
  step: Step,
  entry: CacheEntry,
  answer: Pick<StageAnswer, 'cached' | 'durationMs' | 'startedAt' | 'healed'>,
): StageOutcome<Step> {
  const more = entry.warnings.length - MOST_WARNINGS;
  const warnings = entry.warnings.slice(0, MOST_WARNINGS);
  if (more > 0) warnings.push(`and ${more} more warnings in the version record`);
  const rest = answer.healed.length - MOST_DAMAGED;
  if (rest > 0) warnings.push(`and ${rest} more objects were missing, and were made again`);
  const healed = answer.healed.slice(0, MOST_DAMAGED);
  return { stage: step, key: entry.key, ...readContents(step, entry), warnings, ...answer, healed };
}

/**
 * The outputs and facts of a cache entry, or of a stage of a record, typed by the stage graph.
 * @throws DamagedArtifact when one is missing
 */
export function readContents<Step extends StepName>(
  step: Step,
  { key, outputs, facts }: { key: string; outputs: object; facts: object },
): { outputs: StageOutputs<Step>; facts: StageFacts<Step> } {
  const shape = findShape(step);
  const needed = Object.entries(shape.facts).filter(([, { optional }]) => optional !== true);
  const lacking = [
    ...Object.keys(shape.outputs).filter((name) => !(name in outputs)),
    ...needed
      .map(([name]) => name)
      .filter((name) => typeof (facts as CacheEntry['facts'])[name] !== 'number'),
  ];
  if (lacking.length > 0)
    throw new DamagedArtifact(
      `the stored result of ${step} (${key}) has no ${lacking.join(', ')}: run the batch again with --force`,
    );
  return { outputs: outputs as StageOutputs<Step>, facts: facts as StageFacts<Step> };
}

/** The objects that earlier attempts of this run found missing: they made them again, or failed while they did. */
function readHealed({ runId }: Execution, entry: CacheEntry | undefined): Healed[] {
  const { run, objects = [] } = entry?.healed ?? {};
  return run?.run_id === runId ? [...objects] : [];
}

/** The field of a cache entry for objects that this run makes again; no field where there are none. */
function healedField(run: CacheEntry['producer'], objects: Healed[]): Pick<CacheEntry, 'healed'> {
  return objects.length > 0 ? { healed: { run, objects } } : {};
}

/** Adds objects that are not in the list yet. */
export function addHealed(healed: Healed[], more: readonly Healed[]): void {
  for (const { path, md5 } of more)
    if (!healed.some((known) => known.md5 === md5)) healed.push({ path, md5 });
}

/** Whether a damaged object is among the outputs, or among the files of a directory. */
async function holdsDamaged(
  { store }: StageDeps,
  entry: CacheEntry,
  damaged: readonly string[],
): Promise<boolean> {
  if (damaged.length === 0) return false;
  const passedOn = new Set(Object.values(entry.inputs).map(({ md5 }) => md5));
  for (const ref of Object.values(entry.outputs)) {
    // An output that is an unchanged input is made again by the stage that made it.
    if (passedOn.has(ref.md5)) continue;
    if (damaged.includes(ref.md5)) return true;
    if (!isDirectory(ref)) continue;
    const files = await store.artifacts.list(ref);
    if (files.some(({ md5 }) => damaged.includes(md5))) return true;
  }
  return false;
}

/** The execution of the activity that calls this. */
export function currentExecution(): Execution {
  const context = Context.current();
  const { workflowExecution, activityId, attempt } = context.info;
  const workflowId = workflowExecution?.workflowId ?? '';
  const runId = workflowExecution?.runId ?? '';
  const activity = `${workflowId}/${runId}/${activityId}`;
  return {
    workflowId,
    runId,
    activity,
    token: `${activity}/${attempt}`,
    isRetry: attempt > 1,
    signal: context.cancellationSignal,
    heartbeat: (progress) => {
      latest.set(context, progress);
      context.heartbeat(progress);
    },
    cancelled: (message) => new CancelledFailure(message),
    isOpen: async () => {
      try {
        const handle = context.client.workflow.getHandle(workflowId, runId);
        return isOpen((await handle.describe()).status);
      } catch (error) {
        return !(error instanceof WorkflowNotFoundError);
      }
    },
  };
}

const latest = new WeakMap<Context, Progress>();

/** The last progress that an activity reported. Each later heartbeat repeats it, because it replaces the one before. */
export function readLastProgress(context: Context): Progress | undefined {
  return latest.get(context);
}

/** The run whose activity calls this, as leases know it. */
export function currentRun(pipeline = 'none'): RunOf {
  const { workflowId, runId } = currentExecution();
  return { pipeline, namespace: Context.current().info.namespace, workflowId, runId };
}
