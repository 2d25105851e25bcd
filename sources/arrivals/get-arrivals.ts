import { BadData, MissingHistory } from '../../contract/failures.ts';
import type { Params } from '../../contract/params.ts';
import { columnsAt, rawOf, type Ledger } from '../../store/ledger/ledger.ts';
import { encodeDirectory } from '../../store/manifest.ts';
import { at, type Ref } from '../../contract/ref.ts';
import { sha256 } from '../../store/hash.ts';
import { columnsRef, encodeColumns } from '../../store/columns-file.ts';
import type { GetDataRequest, StageResult } from '../../contract/stages.ts';
import type { Deps } from '../../activities/deps.ts';
import { currentExecution } from '../../activities/execution.ts';
import { asCut, checkFrozen } from '../frozen.ts';
import { RAW_FILES } from '../../contract/paths.ts';
import { runStage, type Stage, type StageDefinition } from '../../activities/stage.ts';
import { lookAt, type Looked } from './look.ts';
import { openPlace } from './open-place.ts';
import { sentencesOf } from './sentences.ts';

/**
 * get_data where each file is a batch: what version N is made of is the files of batches 1..N, a
 * directory over what is stored. The place is looked at when the batch is not known yet, or the client
 * has just seen it.
 * @throws MissingHistory when that many files have not arrived
 */
export async function getArrivals(
  deps: Deps,
  definition: StageDefinition,
  request: GetDataRequest,
): Promise<StageResult> {
  const { pipeline, params, batch } = request;
  const known = await deps.store.ledgers.read(pipeline);
  if (known !== undefined && known.batches.length > 0) checkFrozen(known, params);
  const look =
    request.source !== null ||
    request.refresh === true ||
    known === undefined ||
    known.arrivals.length < batch
      ? await lookNow(deps, request)
      : undefined;
  const ledger = look?.ledger ?? known;
  if (ledger === undefined || ledger.arrivals.length < batch)
    throw tooFew(params, batch, ledger, look);
  await heal(deps, ledger, request);
  const stage = arrivalsStage(definition, ledger, batch);
  const inputs = { source: encodeDirectory(RAW_FILES, rawFiles(ledger, batch)).ref };
  const result = await runStage(deps, stage, {
    ...request,
    params: asCut(ledger, params),
    inputs,
  });
  return { ...result, warnings: [...result.warnings, ...sentencesOf(look, params.data.source)] };
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

/** The files that batches 1..`last` are made of, with paths under `data/raw/files/`. */
export function rawFiles(ledger: Ledger, last: number): Ref[] {
  return Array.from({ length: last }, (_, i) => {
    const { ref } = rawOf(ledger, i + 1);
    const arrived = ledger.arrivals[i]!;
    const path =
      ref.sha256 === arrived.raw
        ? arrived.name
        : `amended/${ref.path.split('/').slice(-2).join('/')}`;
    return at(path, ref);
  });
}

async function lookNow(deps: Deps, { pipeline, params, source }: GetDataRequest): Promise<Looked> {
  const { signal, heartbeat } = currentExecution();
  const place = await openPlace(deps, params.data.source, source);
  return lookAt(deps, {
    pipeline,
    params,
    place,
    signal,
    onFile: (read, of) => heartbeat({ stage: 'get_data', fraction: read / of }),
  });
}

function tooFew(
  params: Params,
  batch: number,
  ledger: Ledger | undefined,
  look: Looked | undefined,
): MissingHistory {
  const { source } = params.data;
  const count = ledger?.arrivals.length ?? 0;
  const has = count === 0 ? 'no file' : count === 1 ? 'one file' : `${count} files`;
  const others = sentencesOf(look, source);
  return new MissingHistory(
    `batch ${batch} has not arrived: ${source} has brought ${has}${others.length > 0 ? `; ${others.join('; ')}` : ''}`,
    { details: { batch, batches: count } },
  );
}

/** A stored file that is gone is taken from its place again, if it is still the same there. */
async function heal(
  deps: Deps,
  ledger: Ledger,
  { damaged, params, source }: GetDataRequest,
): Promise<void> {
  const lost = ledger.arrivals.filter(({ raw }) => damaged.includes(refBy(ledger, raw).md5));
  if (lost.length === 0) return;
  const place = await openPlace(deps, params.data.source, source);
  const { files } = await place.list();
  for (const { name, raw } of lost) {
    const file = files.find((one) => one.name === name);
    const bytes = file === undefined ? undefined : await place.read(file);
    if (bytes === undefined || sha256(bytes) !== raw)
      throw new BadData(
        `the stored copy of ${name} is damaged, and ${place.where} does not hold the same file any more: put it back there`,
      );
    await deps.store.artifacts.put(refBy(ledger, raw).path, bytes, { rewrite: true });
  }
}

function refBy(ledger: Ledger, sha: string): Ref {
  return ledger.raw.find(({ ref }) => ref.sha256 === sha)!.ref;
}
