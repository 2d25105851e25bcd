import { BadData } from '../contract/failures.ts';
import { taskOf, type Params } from '../contract/params.ts';
import {
  columnsAt,
  rawOf,
  tableOf,
  wholeOf,
  type Ledger,
  type NewRaw,
  type RawEntry,
  type Settings,
} from '../store/ledger/ledger.ts';
import type { Ref } from '../contract/ref.ts';
import { lookForBatch, rawFiles } from '../sources/arrivals/batch-files.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { isPlace } from '../sources/arrivals/open-place.ts';
import type { GetDataRequest, StageResult } from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { asCut, checkFrozen } from '../sources/frozen.ts';
import { lookOrCheck } from '../sources/append-only/look.ts';
import { localFile } from '../store/local-cache.ts';
import { RAW, RAW_FILES } from '../contract/paths.ts';
import { readingOf } from '../sources/text.ts';
import { columnsRef, encodeColumns, readColumns } from '../store/columns-file.ts';
import { fetchSource } from '../sources/source-text.ts';
import { sourceIdentity } from '../sources/identity.ts';
import type { Stamp } from '../sources/source.ts';
import { runStage, type Stage, type StageDefinition } from './stage.ts';

export const stage: Stage<'source'> = {
  name: 'get_data',
  code: 1,
  params: ({ data, model }) => ({
    source: sourceIdentity(data.source).name, // it stands in the output's path
    target: data.target,
    columns: data.columns,
    missing_values: data.missing_values,
    ...readingOf(data),
    ...(taskOf({ model }) === 'classification' ? {} : { task: model.task }),
  }),
  libraries: [],
  perBatch: false,
  run: async ({ deps, execution, params, inputs, put, keep }) => {
    const path = await localFile(deps, inputs.source);
    const inspected = await deps.compute(
      'inspectRaw',
      {
        path,
        file: inputs.source.path,
        target: params.data.target,
        declared: params.data.columns,
        missingValues: params.data.missing_values,
        task: taskOf(params),
        delimiter: params.data.delimiter,
      },
      execution.signal,
      ({ fraction }) => execution.heartbeat({ stage: 'get_data', fraction }),
    );
    const { columns, rows, warnings } = inspected;
    return {
      outputs: {
        raw: await keep(inputs.source, path),
        columns: await put(`${RAW}/columns.json`, encodeColumns(columns)),
      },
      facts: { rows, columns: columns.length },
      warnings,
    };
  },
};

/** The same stage where the table has grown: its next state was taken in when the source was looked at. */
export function grownStage(ledger: Ledger, state: RawEntry): Stage<'source' | 'columns'> {
  return {
    ...stage,
    run: async ({ inputs }) => ({
      outputs: { raw: inputs.source, columns: inputs.columns },
      facts: { rows: wholeOf(state).rows, columns: ledger.settings.columns.length },
    }),
  };
}

/**
 * Brings the raw data in, once: from then on the pipeline's ledger says what it is, and the source is
 * read again only to look for rows that are new (see {@link looksAgain}).
 */
export async function getData(deps: Deps, request: GetDataRequest): Promise<StageResult> {
  const { pipeline, params } = request;
  if (isPlace(params.data.source)) return getArrivals(deps, request);
  const ledger = await deps.store.ledgers.read(pipeline);
  if (ledger === undefined || ledger.batches.length === 0) return readFirst(deps, request);
  checkFrozen(ledger, params);
  const look = await lookOrCheck(deps, ledger, request, currentExecution());
  const state = tableOf(look.ledger, request.batch);
  await heal(deps, state, request);
  const asked = { ...request, params: asCut(look.ledger, params) };
  const result =
    state.after === 0
      ? await runStage(deps, stage, { ...asked, inputs: { source: state.ref } })
      : await runStage(deps, grownStage(look.ledger, state), {
          ...asked,
          inputs: { source: state.ref, columns: state.columns },
        });
  const { rows } = wholeOf(look.ledger.raw.at(-1)!);
  return {
    ...result,
    facts: look.added === null ? result.facts : { ...result.facts, rows, new_rows: look.added },
    warnings: [...result.warnings, ...look.warnings],
  };
}

/** get_data where each file is a batch: version N is a directory over the stored files of batches 1..N. */
async function getArrivals(deps: Deps, request: GetDataRequest): Promise<StageResult> {
  const { batch, params } = request;
  const { ledger, warnings } = await lookForBatch(deps, request, currentExecution());
  const result = await runStage(deps, arrivalsStage(stage, ledger, batch), {
    ...request,
    params: asCut(ledger, params),
    inputs: { source: encodeDirectory(RAW_FILES, rawFiles(ledger, batch)).ref },
  });
  return { ...result, warnings: [...result.warnings, ...warnings] };
}

/** get_data where each batch is a file of its own: what it makes of the files that have arrived up to one. */
export function arrivalsStage(
  definition: StageDefinition,
  ledger: Ledger,
  batch: number,
): Stage<'source'> {
  const files = rawFiles(ledger, batch);
  const columns = columnsAt(ledger, batch);
  const added = columns.slice(ledger.settings.columns.length);
  return {
    ...definition,
    // The same files have other columns where another contract took them in.
    params: (read) => ({
      ...definition.params(read),
      ...(added.length === 0 ? {} : { added_columns: added }),
    }),
    run: async ({ put, putDirectory }) => ({
      outputs: {
        raw: await putDirectory(RAW_FILES, files),
        columns:
          added.length === 0
            ? rawOf(ledger, 1).columns
            : await put(columnsRef(ledger, batch).path, encodeColumns(columns)),
      },
      facts: {
        files: batch,
        rows: ledger.arrivals
          .slice(0, batch)
          .reduce((sum, _, i) => sum + rawOf(ledger, i + 1).rows, 0),
        columns: columns.length,
      },
    }),
  };
}

/** The first time: the source's rows and columns are what the ledger is opened with. */
async function readFirst(deps: Deps, request: GetDataRequest): Promise<StageResult> {
  const fetched = (await fetchSource(deps, request, currentExecution()))!;
  const result = await runStage(deps, stage, { ...request, inputs: { source: fetched.ref } });
  await openLedger(deps, request.pipeline, request.params, result, fetched.stamp);
  return result;
}

/** A stored state that is damaged is made whole from its source, if that still holds the same. */
async function heal(deps: Deps, state: RawEntry, request: GetDataRequest): Promise<void> {
  if (!request.damaged.includes(state.ref.md5)) return;
  const again = `the stored copy of ${state.ref.path} is damaged, and ${request.params.data.source} does not hold the same any more: restore it from a backup`;
  if (state.after > 0) throw new BadData(again);
  const fetched = (await fetchSource(deps, request, currentExecution()))!;
  if (fetched.ref.sha256 !== state.ref.sha256) throw new BadData(again);
}

async function openLedger(
  deps: Deps,
  pipeline: string,
  params: Params,
  result: StageResult,
  stamp: Stamp,
): Promise<void> {
  const { raw, columns } = result.outputs as Record<'raw' | 'columns', Ref>;
  const settings: Settings = {
    source: sourceIdentity(params.data.source),
    grows: false,
    delimiter: params.data.delimiter,
    encoding: params.data.encoding,
    target: params.data.target,
    columns: await readColumns(deps, columns),
    declared: params.data.columns,
    missing_values: params.data.missing_values,
    batch_size: params.data.batch_size,
    shuffle_seed: params.data.shuffle_seed,
    split_key: params.split.key,
  };
  const entry: NewRaw = {
    ref: raw,
    columns,
    rows: Number(result.facts['rows']),
    fetched_at: result.startedAt,
    etag: stamp.etag,
    last_modified: stamp.modified,
  };
  const ledger = await deps.store.ledgers.open(pipeline, settings, entry);
  // Another run may have opened it first, with other settings and batches already cut under them.
  if (ledger.batches.length > 0) checkFrozen(ledger, params);
}
