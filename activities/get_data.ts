import { BadData } from '../errors.ts';
import type { Params } from '../pipeline/params.ts';
import type { Ledger, RawEntry, Settings } from '../store/ledger.ts';
import type { Ref } from '../store/ref.ts';
import { getArrivals } from './arrivals/get-arrivals.ts';
import { isPlace } from './arrivals/open-place.ts';
import type { GetDataRequest, StageResult } from './contract.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkFrozen } from './frozen.ts';
import { localFile } from './local-file.ts';
import { RAW } from './paths.ts';
import { readingOf } from './reading.ts';
import { encodeColumns, readColumns } from './columns-file.ts';
import { fetchSource } from './fetch-source.ts';
import { sourceIdentity } from './sources/identity.ts';
import type { Stamp } from './sources/source.ts';
import { runStage, type Stage } from './stage.ts';

export const stage: Stage<'source'> = {
  name: 'get_data',
  code: 1,
  params: ({ data }) => ({
    source: sourceIdentity(data.source).name, // it stands in the output's path
    target: data.target,
    columns: data.columns,
    missing_values: data.missing_values,
    ...readingOf(data),
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

/**
 * Brings the raw data in, once: from then on the pipeline's ledger says what it is, and the source is
 * not read again.
 */
export async function getData(deps: Deps, request: GetDataRequest): Promise<StageResult> {
  const { pipeline, params } = request;
  if (isPlace(params.data.source)) return getArrivals(deps, stage, request);
  const ledger = await deps.store.ledgers.read(pipeline);
  const cut = ledger !== undefined && ledger.batches.length > 0;
  if (cut) {
    checkFrozen(ledger, params);
    if (request.source !== null) await refuseChanged(deps, ledger, request.source);
  }
  const known = cut ? ledger.raw.at(-1)!.ref : undefined;
  const fetched =
    known === undefined || request.damaged.includes(known.md5)
      ? await fetchSource(deps, request)
      : undefined;
  const source = fetched?.ref ?? known!;
  if (known !== undefined && known.sha256 !== source.sha256)
    await refuseChanged(deps, ledger!, source);
  const result = await runStage(deps, stage, { ...request, inputs: { source } });
  if (!cut) await openLedger(deps, pipeline, params, result, fetched?.stamp);
  return result;
}

async function openLedger(
  deps: Deps,
  pipeline: string,
  params: Params,
  result: StageResult,
  stamp: Stamp | undefined,
): Promise<void> {
  const { raw, columns } = result.outputs as Record<'raw' | 'columns', Ref>;
  const settings: Settings = {
    source: sourceIdentity(params.data.source),
    grows: false,
    delimiter: params.data.delimiter,
    encoding: params.data.encoding,
    target: params.data.target,
    columns: await readColumns(deps, columns),
    missing_values: params.data.missing_values,
    batch_size: params.data.batch_size,
    shuffle_seed: params.data.shuffle_seed,
    split_key: params.split.key,
  };
  const entry: Omit<RawEntry, 'revision'> = {
    ref: raw,
    columns,
    rows: Number(result.facts['rows']),
    fetched_at: result.startedAt,
    etag: stamp?.etag ?? null,
    last_modified: stamp?.modified ?? null,
  };
  const ledger = await deps.store.ledgers.open(pipeline, settings, entry);
  // Another run may have opened it first, with other settings and batches already cut under them.
  if (ledger.batches.length > 0) checkFrozen(ledger, params);
}

/**
 * An uploaded file must be the one the batches were cut from.
 * @throws BadData showing the first row that differs.
 */
async function refuseChanged(deps: Deps, ledger: Ledger, uploaded: Ref): Promise<void> {
  const known = ledger.raw.at(-1)!.ref;
  if (uploaded.sha256 === known.sha256) return;
  const [before, after] = await Promise.all([localFile(deps, known), localFile(deps, uploaded)]);
  const file = uploaded.path;
  const { delimiter } = ledger.settings;
  const where = await deps.compute(
    'firstDifference',
    { before: { path: before, file, delimiter }, after: { path: after, file, delimiter } },
    currentExecution().signal,
  );
  throw new BadData(
    `${uploaded.path} has changed since the batches of ${ledger.pipeline} were cut from it (${where}): put the old file back, or choose a new pipeline name with --pipeline`,
  );
}
