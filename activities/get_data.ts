import { BadData } from '../contract/failures.ts';
import { readEncoding, readGate, readSplit, taskOf } from '../contract/defaults.ts';
import type { Params } from '../contract/params.ts';
import type { GetDataRequest, StageOutcome, StageResult } from '../contract/stages.ts';
import { selectColumns } from '../pipeline/batches/columns.ts';
import { lookForBatch } from '../sources/arrivals/batch-files.ts';
import { isPlace } from '../sources/arrivals/open-place.ts';
import { fetchSource, type Fetched } from '../sources/source-text.ts';
import { checkFrozen } from '../sources/frozen.ts';
import { lookOrCheck } from '../sources/append-only/look.ts';
import { sourceIdentity } from '../sources/identity.ts';
import type { SourceDeps } from '../sources/source.ts';
import { knownSourceCall, newSourceCall, rawFiles } from '../sources/stage-inputs.ts';
import { encodeColumns, readColumns } from '../store/columns-file.ts';
import {
  columnsAt,
  hasArrivals,
  rawOf,
  rawEntryOf,
  wholeOf,
  type Ledger,
  type NewRaw,
  type RawEntry,
  type Settings,
} from '../store/ledger/ledger.ts';
import { checkSliceColumns, checkSplitColumns } from '../pipeline/features/encode.ts';
import { readCellSettings } from '../pipeline/csv/cells.ts';
import { localFile } from '../store/local-cache.ts';
import {
  currentExecution,
  runStage,
  type StageContext,
  type StageDeps,
  type StageWork,
} from './run-stage.ts';

type Deps = SourceDeps & StageDeps;
type Context = StageContext<'get_data'>;
type Work = StageWork<'get_data'>;

/**
 * Fetches the raw data once. After that, the ledger of the pipeline names the raw data, and the source is read
 * again only to look for new rows or files.
 */
export async function getData(
  deps: Deps,
  request: GetDataRequest,
): Promise<StageResult<'get_data'>> {
  const result = await readData(deps, request);
  const { params } = request;
  const { slices } = readGate(params);
  if (slices.length > 0)
    checkSliceColumns(await readColumns(deps, result.outputs.columns), slices, {
      target: params.data.target,
      dateParts: readEncoding(params.data).dateParts,
    });
  return result;
}

async function readData(deps: Deps, request: GetDataRequest): Promise<StageResult<'get_data'>> {
  const { pipeline, params } = request;
  if (isPlace(params.data.source)) {
    const { ledger, warnings } = await lookForBatch(deps, request, currentExecution());
    const result = await runKnown(deps, ledger, request);
    return { ...result, warnings: [...result.warnings, ...warnings] };
  }
  const ledger = await deps.store.ledgers.read(pipeline);
  if (ledger === undefined || ledger.batches.length === 0) return readFirst(deps, request);
  checkFrozen(ledger, params);
  const look = await lookOrCheck(deps, ledger, request, currentExecution());
  await repairRaw(deps, rawEntryOf(look.ledger, request.batch), request);
  const result = await runKnown(deps, look.ledger, request);
  const { rows } = wholeOf(look.ledger.raw.at(-1)!);
  return {
    ...result,
    facts: look.added === null ? result.facts : { ...result.facts, rows, new_rows: look.added },
    warnings: [...result.warnings, ...look.warnings],
  };
}

/** Reads the source for the first time, and opens the ledger with its rows and columns. */
async function readFirst(deps: Deps, request: GetDataRequest): Promise<StageOutcome<'get_data'>> {
  const { pipeline, params } = request;
  const fetched = (await fetchSource(deps, request, currentExecution()))!;
  const call = { ...request, ...newSourceCall(params, fetched.ref) };
  const result = await runStage(deps, 'get_data', call, (context) =>
    inspect(deps, params, context),
  );
  const settings = await makeSettings(deps, params, result);
  const entry = makeRawEntry(result, fetched);
  const opened = { settings, location: params.data.source };
  const ledger = await deps.store.ledgers.open(pipeline, opened, entry);
  // Another run may have opened it first, with other settings, and cut batches by them.
  if (ledger.batches.length > 0) checkFrozen(ledger, params);
  return result;
}

/** Runs the stage on data that is in the ledger. */
async function runKnown(
  deps: Deps,
  ledger: Ledger,
  request: GetDataRequest,
): Promise<StageOutcome<'get_data'>> {
  const { batch } = request;
  const call = { ...request, ...knownSourceCall(ledger, batch, request.params) };
  return runStage(deps, 'get_data', call, (context) => {
    if (hasArrivals(ledger)) return listArrivals(ledger, context);
    const state = rawEntryOf(ledger, batch);
    return state.after === 0 ? inspect(deps, call.params, context) : passOn(ledger, state);
  });
}

/** Finds the columns of a table and the types of their cells. */
async function inspect(
  deps: Deps,
  params: Params,
  { execution, inputs, put, keep }: Context,
): Promise<Work> {
  const path = await localFile(deps, inputs.source);
  const { columns, rows, warnings } = await deps.compute(
    'inspectRaw',
    {
      path,
      file: inputs.source.path,
      target: params.data.target,
      declared: params.data.columns,
      cells: readCellSettings(params.data),
      task: taskOf(params),
      delimiter: params.data.delimiter,
    },
    execution.signal,
    ({ fraction }) => execution.heartbeat({ stage: 'get_data', fraction }),
  );
  return {
    outputs: {
      raw: await keep(inputs.source, path),
      columns: await put('columns', encodeColumns(columns)),
    },
    facts: { rows, columns: columns.length },
    warnings,
  };
}

/** Returns a later state of a table. The look at the source has already stored it, with its columns. */
async function passOn({ settings }: Ledger, state: RawEntry): Promise<Work> {
  return {
    outputs: { raw: state.ref, columns: state.columns },
    facts: { rows: wholeOf(state).rows, columns: settings.columns.length },
  };
}

/** Where each file is a batch, the raw data is a directory of the files that have arrived. */
async function listArrivals(ledger: Ledger, { batch, put, putDirectory }: Context): Promise<Work> {
  const columns = columnsAt(ledger, batch);
  const isFirst = selectColumns(ledger.added_columns, batch).length === 0;
  const rows = ledger.arrivals.slice(0, batch).map((_, i) => rawOf(ledger, i + 1).rows);
  return {
    outputs: {
      raw: await putDirectory('raw', rawFiles(ledger, batch)),
      columns: isFirst ? rawOf(ledger, 1).columns : await put('columns', encodeColumns(columns)),
    },
    facts: {
      files: batch,
      rows: rows.reduce((sum, count) => sum + count, 0),
      columns: columns.length,
    },
  };
}

/** Stores a damaged state again, if the source still has the same bytes. */
async function repairRaw(deps: Deps, state: RawEntry, request: GetDataRequest): Promise<void> {
  if (!request.damaged.includes(state.ref.md5)) return;
  const lost = `the stored copy of ${state.ref.path} is damaged, and ${request.params.data.source} no longer has the same bytes: restore it from a backup`;
  if (state.after > 0) throw new BadData(lost);
  const fetched = (await fetchSource(deps, request, currentExecution()))!;
  if (fetched.ref.sha256 !== state.ref.sha256) throw new BadData(lost);
}

async function makeSettings(
  deps: Deps,
  { data, split }: Params,
  { outputs }: StageOutcome<'get_data'>,
): Promise<Settings> {
  const columns = await readColumns(deps, outputs.columns);
  checkSplitColumns(columns, readSplit(split), { target: data.target, file: outputs.raw.path });
  return {
    source: sourceIdentity(data.source),
    grows: false,
    delimiter: data.delimiter,
    encoding: data.encoding,
    target: data.target,
    columns,
    declared: data.columns,
    missing_values: data.missing_values,
    decimal: data.decimal,
    thousands: data.thousands,
    batch_size: data.batch_size,
    shuffle_seed: data.shuffle_seed,
    split_key: split.key,
    split_time: readSplit(split).timeColumn,
  };
}

function makeRawEntry(
  { outputs, facts, startedAt }: StageOutcome<'get_data'>,
  { stamp }: Fetched,
): NewRaw {
  return {
    ref: outputs.raw,
    columns: outputs.columns,
    rows: facts.rows,
    fetched_at: startedAt,
    etag: stamp.etag,
    last_modified: stamp.modified,
  };
}
