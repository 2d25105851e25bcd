import { readEncoding, readSplit } from '../contract/defaults.ts';
import type { Compute } from '../compute/pool.ts';
import type { TaskInput } from '../compute/tasks.ts';
import { MERGED, partFile } from '../contract/paths.ts';
import { withPath, type Ref } from '../contract/ref.ts';
import type { Healed, StageOutcome, StageRequest, StageResult } from '../contract/stages.ts';
import type { Column } from '../pipeline/batches/columns.ts';
import { partColumns, readColumns } from '../store/columns-file.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { checkPresent } from '../store/artifacts.ts';
import { readCellSettings } from '../pipeline/csv/cells.ts';
import { stageKey } from '../store/stage-cache.ts';
import { identityOf } from '../store/stage-identity.ts';
import {
  currentExecution,
  addHealed,
  readContents,
  runStage,
  type StageContext,
  type StageDeps,
  type StageWork,
} from './run-stage.ts';

type Deps = StageDeps & { compute: Compute };
type Request = StageRequest<'preprocess'>;
type Context = StageContext<'preprocess'>;

/** How many counts are held before they are added up, so that a first build needs no more memory than a later one. */
const MOST_COUNTS = 16;

/** The parts of all batches so far, and the counts of their train rows. */
interface Processed {
  train: Ref[];
  test: Ref[];
  counts: Uint8Array[];
  warnings: string[];
  healed: Healed[];
}

/**
 * Splits and encodes the batches that are not encoded yet, and fits the encoder over all train rows. The work
 * for version N grows with the new batch, not with the history.
 */
export async function preprocess(deps: Deps, request: Request): Promise<StageResult<'preprocess'>> {
  const result = await runStage(deps, 'preprocess', request, (context) =>
    encodeAndFit(deps, request, context),
  );
  if (result.cached && request.cache !== 'require') await checkParts(deps, result);
  return result;
}

/** Checks that the parts are stored: when training and scoring are cached too, nothing else reads them. */
async function checkParts(
  { store }: StageDeps,
  { outputs }: StageOutcome<'preprocess'>,
): Promise<void> {
  const check = async (directory: Ref): Promise<void> => {
    const files = await store.artifacts.list(directory);
    await checkPresent(store.artifacts, directory.path, files, currentExecution().runId);
  };
  await Promise.all([outputs.train, outputs.test].map(check));
}

async function encodeAndFit(
  deps: Deps,
  request: Request,
  context: Context,
): Promise<StageWork<'preprocess'>> {
  const { execution, batch, inputs, put, putDirectory } = context;
  const { params } = request;
  const batches = await deps.store.artifacts.list(inputs.merged);
  const columns = await readColumns(deps, inputs.columns);
  const done = await readEarlier(deps, request, batches.slice(0, -1), columns);
  const fresh = batches.slice(done.train.length);
  const learnsWords = !['fail', 'ignore'].includes(params.data.on_new_category);
  for (const [i, file] of fresh.entries()) {
    execution.heartbeat({ stage: 'preprocess', fraction: i / fresh.length });
    await addPart(deps, request, context, { done, file, columns });
    if (done.counts.length < MOST_COUNTS) continue;
    const merged = await deps.compute(
      'addCounts',
      { counts: done.counts, until: done.train.length, target: params.data.target },
      execution.signal,
    );
    done.counts = [merged.counts];
    if (learnsWords) done.warnings.push(...merged.warnings);
  }
  const fitted = await deps.compute(
    'fitFromCounts',
    {
      counts: done.counts,
      until: batches.length,
      columns,
      target: params.data.target,
      testSize: params.split.test_size,
      missing: params.preprocess.missing,
      dateParts: readEncoding(params.data).dateParts,
      what: `version ${batch}`,
      words: await readWords(deps, request, done, {
        checked: batches.length - fresh.length,
        columns,
      }),
    },
    execution.signal,
  );
  const [train, test, encoder, counts] = await Promise.all([
    putDirectory('train', done.train),
    putDirectory('test', done.test),
    put('encoder', fitted.encoder),
    put('counts', fitted.counts),
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

/** Encodes one batch, or takes its part from the cache, and adds the part to `done`. */
async function addPart(
  deps: Deps,
  { pipeline, params, cache, damaged }: Request,
  { inputs, putBeside }: Context,
  { done, file, columns }: { done: Processed; file: Ref; columns: readonly Column[] },
): Promise<void> {
  const batch = done.train.length + 1;
  const own = partColumns(inputs.columns, columns, batch);
  if (own.bytes !== undefined) await putBeside(own.ref.path, own.bytes);
  const call = { pipeline, batch, params, cache, damaged };
  const partInputs = { batch: file, columns: own.ref };
  const part = await runStage(deps, 'encode_part', { ...call, inputs: partInputs }, (context) =>
    encodePart(deps, params, context),
  );
  const { train, test, counts } = part.outputs;
  done.train.push(withPath(partFile(batch), train));
  done.test.push(withPath(partFile(batch), test));
  done.counts.push(await deps.store.artifacts.get(counts));
  addHealed(done.healed, part.healed);
  done.warnings.push(...part.warnings.map((warning) => `batch ${batch}: ${warning}`));
}

/**
 * Encodes one batch: its train rows and its test rows as Arrow, and the counts from which an encoder is fitted.
 * They depend on this batch only, so they are made once and every later version reads them.
 */
async function encodePart(
  deps: Deps,
  params: Request['params'],
  { execution, inputs, put }: StageContext<'encode_part'>,
): Promise<StageWork<'encode_part'>> {
  const part = await deps.compute(
    'encodePart',
    {
      bytes: await deps.store.artifacts.get(inputs.batch),
      file: inputs.batch.path,
      columns: await readColumns(deps, inputs.columns),
      target: params.data.target,
      cells: readCellSettings(params.data),
      ...readEncoding(params.data),
      testSize: params.split.test_size,
      key: params.split.key,
      timeColumn: readSplit(params.split).timeColumn,
    },
    execution.signal,
  );
  const [train, test, counts] = await Promise.all([
    put('train', part.train),
    put('test', part.test),
    put('counts', part.counts),
  ]);
  return {
    outputs: { train, test, counts },
    facts: { train_rows: part.trainRows, test_rows: part.testRows },
    warnings: part.warnings,
  };
}

/** The parts and counts of the version before, if it has been preprocessed in the same way. */
async function readEarlier(
  { store }: StageDeps,
  request: Request,
  batches: readonly Ref[],
  columns: readonly Column[],
): Promise<Processed> {
  const isFromNothing =
    request.cache === 'bypass' || request.damaged.length > 0 || batches.length === 0;
  const entry = isFromNothing ? undefined : await findEarlier(store, request, batches, columns);
  if (entry === undefined) return { train: [], test: [], counts: [], warnings: [], healed: [] };
  const { train, test, counts } = readContents('preprocess', entry).outputs;
  const [trainParts, testParts, countsSoFar] = await Promise.all([
    store.artifacts.list(train),
    store.artifacts.list(test),
    store.artifacts.get(counts),
  ]);
  return {
    train: trainParts,
    test: testParts,
    counts: [countsSoFar],
    warnings: entry.warnings.filter((warning) => warning.startsWith('batch ')),
    healed: [],
  };
}

async function findEarlier(
  store: StageDeps['store'],
  { params, inputs }: Request,
  batches: readonly Ref[],
  columns: readonly Column[],
) {
  const merged = encodeDirectory(MERGED, batches).ref;
  const { ref } = partColumns(inputs.columns, columns, batches.length);
  const call = { batch: batches.length, params, inputs: { merged, columns: ref } };
  const key = stageKey(identityOf('preprocess', call));
  const found = await store.cache.lookUp('preprocess', key);
  return found?.missing.length === 0 ? found.entry : undefined;
}

/**
 * Reads the parts in which new words are looked for: those of the batches whose words are known, and those of
 * the new batches. Undefined where every new word is learnt.
 * @param of.checked how many batches the version before has checked
 */
async function readWords(
  { store }: StageDeps,
  { params }: Request,
  { train, test }: Processed,
  { checked, columns }: { checked: number; columns: readonly Column[] },
): Promise<TaskInput<'fitFromCounts'>['words']> {
  const rule = params.data.on_new_category;
  if (rule !== 'fail' && rule !== 'ignore') return undefined;
  const readParts = async (batch: number) => {
    const parts = [train[batch - 1]!, test[batch - 1]!];
    return { batch, parts: await Promise.all(parts.map((part) => store.artifacts.getPart(part))) };
  };
  const known = new Set(columns.map(({ since = 1 }) => since));
  const fresh = [...train.keys()].map((i) => i + 1).filter((batch) => batch > Math.max(checked, 1));
  return {
    rule,
    known: await Promise.all([...known].sort((a, b) => a - b).map(readParts)),
    fresh: await Promise.all(fresh.map(readParts)),
  };
}
