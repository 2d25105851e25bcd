import { MissingHistory } from '../contract/failures.ts';
import type { Params } from '../contract/params.ts';
import type { Ref } from '../contract/ref.ts';
import { stageKey, type CacheEntry, type StageIdentity } from '../store/stage-cache.ts';
import {
  MOST_DAMAGED,
  type CacheUse,
  type Healed,
  type StageName,
  type StageResult,
} from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import type { Execution } from '../contract/execution.ts';
import { addHealed, healedBy, healedNow, touches } from './healing.ts';
import { libraryVersions } from './libraries.ts';

/** What crosses Temporal stays small; the cache entry and the version record keep every warning. */
const MOST_WARNINGS = 5;

/** A stage's outputs, and a few words about them. */
export interface StageOutcome {
  outputs: Record<string, Ref>;
  facts?: StageResult['facts'];
  warnings?: string[];
  /** What steps within the stage have found gone and made again. */
  healed?: Healed[];
}

/** What a stage's own code is given. */
export interface StageContext<In extends string> extends Storing {
  deps: Deps;
  execution: Execution;
  pipeline: string;
  batch: number;
  params: Params;
  inputs: Record<In, Ref>;
}

/** How a stage stores what it makes. */
interface Storing {
  /** Stores a file, anew if what stands under its name cannot be trusted. */
  put: (path: string, bytes: Uint8Array) => Promise<Ref>;
  /** Stores a file of this machine, likewise. */
  putFile: (path: string, file: string) => Promise<Ref>;
  /** Sees that an input is stored, which a file of this machine holds too. */
  keep: (ref: Ref, file: string) => Promise<Ref>;
  putDirectory: (path: string, files: readonly Ref[]) => Promise<Ref>;
}

/** What decides a stage's result besides its inputs; each stage's file exports it as `stage`. */
export interface StageDefinition {
  name: StageName | 'encode_part';
  /** Raise it when the same inputs and params would give other bytes than before. */
  code: number;
  /** The params it reads, and no others: they are part of its cache key. */
  params: (params: Params) => Record<string, unknown>;
  /** Packages whose version shapes its bytes, with these params where it depends on them. */
  libraries: readonly string[] | ((params: Params) => readonly string[]);
  /** Whether the batch's number shows in its outputs; get_data alone has none. */
  perBatch: boolean;
}

/** A step of the pipeline: what decides its result, and how to make it. */
export interface Stage<In extends string> extends StageDefinition {
  run: (context: StageContext<In>) => Promise<StageOutcome>;
}

/** What a stage is run with. */
export interface StageCall<In extends string> {
  pipeline: string;
  batch: number;
  params: Params;
  cache: CacheUse;
  damaged: readonly string[];
  inputs: Record<In, Ref>;
}

/**
 * Runs a stage, or takes its outputs from the run that made them before: durable, because a retry
 * finds what an earlier attempt stored.
 * @throws MissingHistory when the cache is required and has nothing.
 */
export async function runStage<In extends string>(
  deps: Deps,
  stage: Stage<In>,
  call: StageCall<In>,
): Promise<StageResult> {
  const execution = currentExecution();
  const started = Date.now();
  const identity = identityOf(stage, call);
  const key = stageKey(identity);
  const found = await deps.store.cache.lookUp(stage.name, key);
  const missing = found?.missing ?? [];
  const self = { workflow_id: execution.workflowId, run_id: execution.runId };
  const healed = healedBy(execution, found?.entry);
  const isGood =
    found !== undefined &&
    missing.length === 0 &&
    !(await touches(deps, found.entry, call.damaged));
  if (isGood && mayTake(found.entry, call.cache, execution)) {
    const { entry } = found;
    const own = entry.producer.run_id === execution.runId || healed.length > 0;
    return resultOf(stage.name, entry, {
      healed,
      cached: !own,
      durationMs: own ? entry.duration_ms : Date.now() - started,
      startedAt: new Date(started).toISOString(),
    });
  }
  if (call.cache === 'require')
    throw new MissingHistory(
      `${stage.name} of batch ${call.batch} ${missing.length > 0 ? 'has lost its outputs' : 'has not been run with these params and inputs'}: run "stage ${stage.name}${stage.perBatch ? ` ${call.batch}` : ''}" first`,
    );
  addHealed(healed, missing);
  // Said before it is done: a retry that finds the outputs whole could not tell that they were gone.
  if (found !== undefined && missing.length > 0)
    await deps.store.cache.enter({ ...found.entry, ...healedNow(self, healed) }, { replace: true });
  const rewrite = call.cache === 'bypass' || call.damaged.length > 0 || missing.length > 0;
  const outcome = await stage.run({ deps, execution, ...call, ...storing(deps, rewrite) });
  addHealed(healed, outcome.healed ?? []);
  const times = {
    durationMs: Date.now() - started,
    startedAt: new Date(started).toISOString(),
  };
  const entry = await deps.store.cache.enter(
    {
      schema: 1,
      key,
      ...identity,
      outputs: outcome.outputs,
      facts: outcome.facts ?? {},
      warnings: outcome.warnings ?? [],
      producer: self,
      started_at: times.startedAt,
      duration_ms: times.durationMs,
      ...healedNow(self, healed),
    },
    { replace: rewrite },
  );
  return resultOf(stage.name, entry, { healed, cached: false, ...times });
}

/** Everything that decides a stage's result. */
export function identityOf(
  stage: StageDefinition,
  call: Pick<StageCall<string>, 'batch' | 'params' | 'inputs'>,
): StageIdentity {
  return {
    stage: stage.name,
    batch: stage.perBatch ? call.batch : null,
    code: stage.code,
    params: stage.params(call.params),
    libraries: libraryVersions(
      typeof stage.libraries === 'function' ? stage.libraries(call.params) : stage.libraries,
    ),
    inputs: call.inputs,
  };
}

/** @param rewrite whether what stands in the store already is not to be trusted */
function storing({ store: { artifacts } }: Deps, rewrite: boolean): Storing {
  return {
    put: (path, bytes) => artifacts.put(path, bytes, { rewrite }),
    putFile: (path, file) => artifacts.putFile(path, file, { rewrite }),
    keep: (ref, file) => artifacts.putFile(ref.path, file, { rewrite, known: ref }),
    putDirectory: (path, files) => artifacts.putDirectory(path, files, { rewrite }),
  };
}

/** A forced run takes only what it has itself made, so that its retries do not start over. */
function mayTake(entry: CacheEntry, use: CacheUse, execution: Execution): boolean {
  return use !== 'bypass' || entry.producer.run_id === execution.runId;
}

function resultOf(
  stage: string,
  entry: CacheEntry,
  times: Pick<StageResult, 'cached' | 'durationMs' | 'startedAt' | 'healed'>,
): StageResult {
  const { key, outputs, facts } = entry;
  const more = entry.warnings.length - MOST_WARNINGS;
  const warnings = entry.warnings.slice(0, MOST_WARNINGS);
  if (more > 0) warnings.push(`and ${more} more warnings in the version record`);
  const rest = times.healed.length - MOST_DAMAGED;
  if (rest > 0) warnings.push(`and ${rest} more objects were missing, and were made again`);
  const healed = times.healed.slice(0, MOST_DAMAGED);
  return { stage, key, outputs, facts, warnings, ...times, healed };
}
