import type { Column } from '../pipeline/batches/columns.ts';
import type { OnChange } from '../pipeline/batches/conform.ts';
import type { TaskInput } from '../compute/tasks.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { at, type Ref } from '../contract/ref.ts';
import { stageKey, type CacheEntry } from '../store/stage-cache.ts';
import type { Healed, StageRequest, StageResult } from '../contract/stages.ts';
import { partColumns, readColumns } from '../store/columns-file.ts';
import type { Deps } from './deps.ts';
import { encodePart } from './encode-part.ts';
import { currentExecution } from './execution.ts';
import { addHealed } from './healing.ts';
import { checkPresent } from '../store/artifacts.ts';
import { MERGED, partFile, PROCESSED, TEST, TRAIN } from '../contract/paths.ts';
import {
  identityOf,
  runStage,
  type Stage,
  type StageCall,
  type StageContext,
  type StageDefinition,
} from './stage.ts';

/** Batches whose counts are held before they are added up: so a version made at once needs no more than the next one. */
const MOST_COUNTS = 16;

type Inputs = 'merged' | 'columns';

/** What all batches so far come to: their parts, and the counts of their train rows. */
interface Processed {
  train: Ref[];
  test: Ref[];
  counts: Uint8Array[];
  warnings: string[];
  healed: Healed[];
}

export const stage: StageDefinition = {
  name: 'preprocess',
  code: 1,
  params: ({ data, ...read }) => ({
    target: data.target,
    missing_values: data.missing_values,
    split: read.split,
    preprocess: read.preprocess,
    ...(isContract(data.on_new_category) ? { on_new_category: data.on_new_category } : {}),
  }),
  libraries: [],
  perBatch: true,
};

/**
 * Splits and encodes the batches not yet encoded, and fits over all train rows what must be fitted
 * over all of them. The work for version N grows with the new batch, not with the history.
 */
export async function preprocess(deps: Deps, request: StageRequest): Promise<StageResult> {
  const whole: Stage<Inputs> = { ...stage, run: (context) => run(context, request) };
  const result = await runStage(deps, whole, request as StageCall<Inputs>);
  if (result.cached && request.cache !== 'require') await lookAtParts(deps, result);
  return result;
}

/** Parts that were not made now are read by nobody where training and scoring are cached too. */
async function lookAtParts({ store }: Deps, { outputs }: StageResult): Promise<void> {
  const look = async (directory: Ref): Promise<void> => {
    const files = await store.artifacts.list(directory);
    await checkPresent(store.artifacts, directory.path, files, currentExecution().runId);
  };
  await Promise.all([outputs['train']!, outputs['test']!].map(look));
}

async function run(context: StageContext<Inputs>, request: StageRequest) {
  const { deps, execution, batch, params, inputs, put, putDirectory } = context;
  const batches = await deps.store.artifacts.list(inputs.merged);
  const columns = await readColumns(deps, inputs.columns);
  const done = await earlier(context, request, batches.slice(0, -1), columns);
  const fresh = batches.slice(done.train.length);
  for (const [i, file] of fresh.entries()) {
    execution.heartbeat({ stage: 'preprocess', fraction: i / fresh.length });
    await addPart(context, request, done, file, columns);
    if (done.counts.length < MOST_COUNTS) continue;
    const { counts } = await deps.compute('addCounts', { counts: done.counts }, execution.signal);
    done.counts = [counts];
  }
  const fitted = await deps.compute(
    'fitEncoder',
    {
      counts: done.counts,
      columns,
      target: params.data.target,
      testSize: params.split.test_size,
      missing: params.preprocess.missing,
      what: `version ${batch}`,
      words: await wordsOf(context, done, batches.length - fresh.length, columns),
    },
    execution.signal,
  );
  const [train, test, encoder, counts] = await Promise.all([
    putDirectory(TRAIN, done.train),
    putDirectory(TEST, done.test),
    put(`${PROCESSED}/encoder.json`, fitted.encoder),
    put(`${PROCESSED}/counts.json`, fitted.counts),
  ]);
  return {
    outputs: { train, test, encoder, counts },
    facts: {
      train_rows: fitted.trainRows,
      test_rows: fitted.testRows,
      features: fitted.features,
      ...(fitted.classes === undefined ? {} : { classes: fitted.classes }),
    },
    warnings: [...done.warnings, ...fitted.warnings],
    healed: done.healed,
  };
}

async function addPart(
  { deps, pipeline, params, inputs, put }: StageContext<Inputs>,
  { cache, damaged }: StageRequest,
  done: Processed,
  file: Ref,
  columns: readonly Column[],
): Promise<void> {
  const batch = done.train.length + 1;
  const own = partColumns(inputs.columns, columns, batch);
  if (own.bytes !== undefined) await put(own.ref.path, own.bytes);
  const part = await encodePart(deps, {
    pipeline,
    batch,
    params,
    cache,
    damaged,
    inputs: { batch: file, columns: own.ref },
  });
  const { train, test, counts } = part.outputs as Record<'train' | 'test' | 'counts', Ref>;
  done.train.push(at(partFile(batch), train));
  done.test.push(at(partFile(batch), test));
  done.counts.push(await deps.store.artifacts.get(counts));
  addHealed(done.healed, part.healed);
  done.warnings.push(...part.warnings.map((warning) => `batch ${batch}: ${warning}`));
}

/** The parts and counts of the version before, if it has been preprocessed the same way. */
async function earlier(
  context: StageContext<Inputs>,
  request: StageRequest,
  batches: readonly Ref[],
  columns: readonly Column[],
): Promise<Processed> {
  const entry =
    request.cache === 'bypass' || request.damaged.length > 0 || batches.length === 0
      ? undefined
      : await lookUpVersion(context, batches, columns);
  if (entry === undefined) return { train: [], test: [], counts: [], warnings: [], healed: [] };
  const { artifacts } = context.deps.store;
  const { train, test, counts } = entry.outputs as Record<'train' | 'test' | 'counts', Ref>;
  const [trainParts, testParts, countsSoFar] = await Promise.all([
    artifacts.list(train),
    artifacts.list(test),
    artifacts.get(counts),
  ]);
  return {
    train: trainParts,
    test: testParts,
    counts: [countsSoFar],
    warnings: entry.warnings.filter((warning) => warning.startsWith('batch ')),
    healed: [],
  };
}

async function lookUpVersion(
  { deps, params, inputs }: StageContext<Inputs>,
  batches: readonly Ref[],
  columns: readonly Column[],
): Promise<CacheEntry | undefined> {
  const merged = encodeDirectory(MERGED, batches).ref;
  const { ref } = partColumns(inputs.columns, columns, batches.length);
  const call = { batch: batches.length, params, inputs: { merged, columns: ref } };
  const key = stageKey(identityOf(stage, call));
  const found = await deps.store.cache.lookUp(stage.name, key);
  return found?.missing.length === 0 ? found.entry : undefined;
}

/** What is needed to tell new words, where they are not simply learnt: batches as files, both parts of each. */
async function wordsOf(
  { deps, params }: StageContext<Inputs>,
  { train, test }: Processed,
  checked: number,
  columns: readonly Column[],
): Promise<TaskInput<'fitEncoder'>['words']> {
  const rule = params.data.on_new_category;
  if (!isContract(rule)) return undefined;
  const filesOf = async (batch: number) => {
    const parts = [train[batch - 1]!, test[batch - 1]!];
    return { batch, parts: await Promise.all(parts.map((p) => deps.store.artifacts.getPart(p))) };
  };
  const known = new Set(columns.map(({ since = 1 }) => since));
  // The version before has been held against them, with its own.
  const fresh = [...train.keys()].map((i) => i + 1).filter((batch) => batch > Math.max(checked, 1));
  return {
    rule,
    known: await Promise.all([...known].sort((a, b) => a - b).map(filesOf)),
    fresh: await Promise.all(fresh.map(filesOf)),
  };
}

/** Whether new words are anything but learnt; a run pinned before there was a rule has none. */
function isContract(rule: OnChange | undefined): rule is 'fail' | 'ignore' {
  return rule === 'fail' || rule === 'ignore';
}
