import { BadData } from '../contract/failures.ts';
import { taskOf, type Params } from '../contract/params.ts';
import {
  tableOf,
  wholeOf,
  type Ledger,
  type NewRaw,
  type RawEntry,
  type Settings,
} from '../store/ledger/ledger.ts';
import type { Ref } from '../contract/ref.ts';
import { getArrivals } from '../sources/arrivals/get-arrivals.ts';
import { isPlace } from '../sources/arrivals/open-place.ts';
import type { GetDataRequest, StageResult } from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import { asCut, checkFrozen } from '../sources/frozen.ts';
import { lookOrCheck } from '../sources/growing/look-or-check.ts';
import { localFile } from '../store/scratch.ts';
import { RAW } from '../contract/paths.ts';
import { readingOf } from '../sources/reading.ts';
import { encodeColumns, readColumns } from '../store/columns-file.ts';
import { fetchSource } from '../sources/fetch-source.ts';
import { sourceIdentity } from '../sources/identity.ts';
import type { Stamp } from '../sources/source.ts';
import { runStage, type Stage } from './stage.ts';

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
  if (isPlace(params.data.source)) return getArrivals(deps, stage, request);
  const ledger = await deps.store.ledgers.read(pipeline);
  if (ledger === undefined || ledger.batches.length === 0) return readFirst(deps, request);
  checkFrozen(ledger, params);
  const look = await lookOrCheck(deps, ledger, request);
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

/** The first time: the source's rows and columns are what the ledger is opened with. */
async function readFirst(deps: Deps, request: GetDataRequest): Promise<StageResult> {
  const fetched = (await fetchSource(deps, request))!;
  const result = await runStage(deps, stage, { ...request, inputs: { source: fetched.ref } });
  await openLedger(deps, request.pipeline, request.params, result, fetched.stamp);
  return result;
}

/** A stored state that is damaged is made whole from its source, if that still holds the same. */
async function heal(deps: Deps, state: RawEntry, request: GetDataRequest): Promise<void> {
  if (!request.damaged.includes(state.ref.md5)) return;
  const again = `the stored copy of ${state.ref.path} is damaged, and ${request.params.data.source} does not hold the same any more: restore it from a backup`;
  if (state.after > 0) throw new BadData(again);
  const fetched = (await fetchSource(deps, request))!;
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
