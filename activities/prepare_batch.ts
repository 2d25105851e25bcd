import { basename } from 'node:path';
import { Conflict, DamagedArtifact, MissingHistory } from '../errors.ts';
import { checkBatch } from '../pipeline/batch.ts';
import { broughtColumns } from '../pipeline/conform.ts';
import type { CutFile } from '../pipeline/cut.ts';
import { canonicalJson } from '../pipeline/canonical-json.ts';
import { MISSING_VALUES, type Params } from '../pipeline/params.ts';
import {
  batchesKnown,
  columnsAt,
  hasArrivals,
  isWhole,
  rawOf,
  tableOf,
  wholeOf,
  type Ledger,
  type NewBatch,
  type RawEntry,
} from '../store/ledger.ts';
import { isDirectory } from '../store/ref.ts';
import { wholeFile } from './arrivals/take-in.ts';
import { textOfFile } from './arrivals/text.ts';
import { columnsRef } from './columns-file.ts';
import { MOST_DAMAGED, type Healed, type StageRequest, type StageResult } from './contract.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkFrozen } from './frozen.ts';
import { localFile, withScratch } from './local-file.ts';
import { BATCHES, batchFile } from './paths.ts';
import { readingOf } from './reading.ts';
import { addHealed, runStage, type Stage, type StageDefinition } from './stage.ts';

/** A batch as it was cut: bytes, or a file of this machine. */
type Cut = { rows: number; warnings: string[] } & ({ bytes: Uint8Array } | { path: string });

/** Times rows may come that fill the batch which is being cut. */
const TRIES = 5;

export const stage: StageDefinition = {
  name: 'prepare_batch',
  code: 1,
  params: ({ data }) => ({
    target: data.target,
    batch_size: data.batch_size,
    shuffle_seed: data.shuffle_seed,
    ...readingOf(data),
  }),
  libraries: [],
  perBatch: true,
};

/** The same stage where a batch is the whole of a file: what cuts a table says nothing here. */
const wholeStage: StageDefinition = {
  ...stage,
  params: ({ data }) => ({
    target: data.target,
    ...readingOf(data),
    // A number that is missing is written, and told from one that is none, by these words.
    ...(isDefault(data.missing_values) ? {} : { missing_values: data.missing_values }),
    ...(data.on_new_column === 'fail' ? {} : { on_new_column: data.on_new_column }),
    ...(data.on_missing_column === 'fail' ? {} : { on_missing_column: data.on_missing_column }),
  }),
};

function isDefault(missingValues: readonly string[]): boolean {
  return canonicalJson(missingValues) === canonicalJson(MISSING_VALUES);
}

/** The same stage where a batch is cut from a later state of a table, whose rows keep their order. */
function laterStage(after: number): StageDefinition {
  return {
    ...stage,
    params: ({ data }) => ({
      target: data.target,
      batch_size: data.batch_size,
      after,
      ...readingOf(data),
    }),
  };
}

/** The stage by which a batch of a pipeline is cut. */
export function stageFor(ledger: Ledger, batch: number): StageDefinition {
  if (isWhole(ledger, batch)) return wholeStage;
  const { after } = tableOf(ledger, batch);
  return after === 0 ? stage : laterStage(after);
}

function stageOf(
  definition: StageDefinition,
  cut: (batch: number) => Promise<Cut>,
): Stage<'raw' | 'columns'> {
  return {
    ...definition,
    run: async ({ batch, put, putFile }) => {
      const made = await cut(batch);
      const path = `${BATCHES}${batchFile(batch)}`;
      const stored = 'bytes' in made ? await put(path, made.bytes) : await putFile(path, made.path);
      return { outputs: { batch: stored }, facts: { rows: made.rows }, warnings: made.warnings };
    },
  };
}

/**
 * Cuts batch N, and those before it that are not in the ledger yet; enters them. From then on these
 * numbers mean these rows.
 * @throws MissingHistory when the source has no such batch.
 */
export async function prepareBatch(deps: Deps, request: StageRequest): Promise<StageResult> {
  for (let tried = 1; ; tried++) {
    try {
      return await cutUpTo(deps, request);
    } catch (error) {
      const outgrown = error instanceof Conflict && error.details['grown'] === true;
      if (!outgrown || tried === TRIES) throw error;
    }
  }
}

async function cutUpTo(deps: Deps, request: StageRequest): Promise<StageResult> {
  const { pipeline, batch } = request;
  const ledger = await deps.store.ledgers.read(pipeline);
  if (ledger === undefined)
    throw new MissingHistory(`${pipeline} has no data yet: run "stage get_data" first`);
  checkFrozen(ledger, request.params);
  checkRead(ledger, request.inputs);
  checkExists(ledger, batch);
  const wanted = Array.from({ length: batch }, (_, i) => i + 1).filter((number) => {
    const standing = ledger.batches[number - 1];
    const damaged = standing !== undefined && request.damaged.includes(standing.ref.md5);
    return standing === undefined || damaged || number === batch || request.cache === 'bypass';
  });
  return withScratch(deps, async (folder) => {
    const cut = cutter(deps, ledger, wanted, request.params, folder);
    const added: NewBatch[] = [];
    const healed: Healed[] = [];
    let result: StageResult | undefined;
    for (const number of wanted) {
      const raw = rawOf(ledger, number);
      const inputs = { raw: raw.ref, columns: columnsRef(ledger, number) };
      result = await runStage(deps, stageOf(stageFor(ledger, number), cut), {
        ...request,
        batch: number,
        inputs,
      });
      addHealed(healed, result.healed);
      added.push({
        batch: number,
        rows: Number(result.facts['rows']),
        ref: result.outputs['batch']!,
        raw: raw.ref.sha256,
        from: isWhole(ledger, number) ? null : placeOf(ledger, number),
      });
    }
    const after = await enter(deps, ledger, added);
    return {
      ...result!,
      healed: healed.slice(0, MOST_DAMAGED),
      facts: { ...result!.facts, ledger_revision: after.revision },
    };
  });
}

/** That a table is still what get_data read, by the types it found. */
function checkRead(
  { pipeline, raw }: Ledger,
  { raw: read, columns }: StageRequest['inputs'],
): void {
  if (read === undefined || isDirectory(read)) return;
  const state = raw.find(({ ref }) => ref.sha256 === read.sha256);
  if (state !== undefined && (columns ?? state.columns).sha256 === state.columns.sha256) return;
  const what = state === undefined ? 'another state of its source' : 'other types of its columns';
  throw new Conflict(
    `another run has opened ${pipeline} with ${what} since this one read it: run it again, or choose another pipeline name`,
  );
}

/** Where a batch begins in the state of the table that it is cut from. */
function placeOf(ledger: Ledger, batch: number): number {
  return (batch - 1 - tableOf(ledger, batch).after) * ledger.settings.batch_size;
}

function checkExists(ledger: Ledger, batch: number): void {
  if (!hasArrivals(ledger)) {
    const last = ledger.raw.at(-1)!;
    if (last.after === 0) return checkBatch(batch, last.rows, ledger.settings.batch_size);
    const batches = batchesKnown(ledger);
    if (batch <= batches) return;
    throw new MissingHistory(
      `batch ${batch} does not exist: the ${wholeOf(last).rows} rows of the source make ${batches} batches so far`,
      { details: { batch, rows: wholeOf(last).rows, batches } },
    );
  }
  if (batch > ledger.arrivals.length)
    throw new MissingHistory(
      `batch ${batch} of ${ledger.pipeline} has not arrived: there are ${ledger.arrivals.length}`,
    );
}

/** Cuts batches: those of one state of a table together, reading it at most once, the others each from its file. */
function cutter(
  deps: Deps,
  ledger: Ledger,
  wanted: readonly number[],
  params: Params,
  folder: string,
): (batch: number) => Promise<Cut> {
  const cuts = new Map<number, Promise<CutFile[]>>();
  return async (batch) => {
    if (isWhole(ledger, batch)) return takeWhole(deps, ledger, batch, params);
    const state = tableOf(ledger, batch);
    const batches = wanted.filter(
      (other) => !isWhole(ledger, other) && tableOf(ledger, other) === state,
    );
    const cut = cuts.get(state.after) ?? cutTable(deps, ledger, state, batches, folder);
    cuts.set(state.after, cut);
    return (await cut)[batches.indexOf(batch)]!;
  };
}

async function cutTable(
  deps: Deps,
  { settings }: Ledger,
  state: RawEntry,
  batches: number[],
  folder: string,
): Promise<CutFile[]> {
  const { signal, heartbeat } = currentExecution();
  return deps.compute(
    'cutBatches',
    {
      path: await localFile(deps, state.ref),
      file: state.ref.path,
      delimiter: settings.delimiter,
      columns: settings.columns,
      target: settings.target,
      missingValues: settings.missing_values,
      batchSize: settings.batch_size,
      shuffleSeed: state.after === 0 ? settings.shuffle_seed : null,
      rows: state.rows,
      after: state.after,
      batches,
      folder,
    },
    signal,
    ({ fraction }) => heartbeat({ stage: 'prepare_batch', fraction }),
  );
}

async function takeWhole(deps: Deps, ledger: Ledger, batch: number, params: Params): Promise<Cut> {
  const raw = rawOf(ledger, batch).ref;
  const amendment = ledger.amended.find(({ ref }) => ref.sha256 === raw.sha256);
  const bytes = await deps.store.artifacts.get(raw).catch((error: unknown) => {
    if (amendment === undefined || !(error instanceof DamagedArtifact)) throw error;
    throw new DamagedArtifact(
      `${raw.path}, which batch ${amendment.batch} was amended from, is missing or damaged in the store: amend the batch by the same file once more`,
      { cause: error, details: error.details },
    );
  });
  const file = basename(raw.path);
  const text = await textOfFile(file, bytes, ledger.settings.encoding);
  const columns = columnsAt(ledger, batch);
  const made = await deps.compute(
    'conformBatch',
    wholeFile(file, text, ledger.settings, params, columns),
    currentExecution().signal,
  );
  // The ledger knows them by now, so they are not new to whoever reads the file.
  const brought = columns.filter(({ since }) => since === batch).map(({ name }) => name);
  const warnings = brought.length > 0 ? [broughtColumns(file, brought)] : [];
  return { ...made, warnings: [...warnings, ...made.warnings] };
}

async function enter(deps: Deps, ledger: Ledger, added: readonly NewBatch[]): Promise<Ledger> {
  const fresh = added.some(({ batch, ref }) => {
    const standing = ledger.batches[batch - 1];
    if (standing !== undefined && standing.ref.sha256 !== ref.sha256)
      throw new DamagedArtifact(
        `batch ${batch} of ${ledger.pipeline} was cut with other bytes than the ledger holds: the cutting code has changed without a new code version`,
        { details: { ref: standing.ref } },
      );
    return standing === undefined;
  });
  return fresh ? deps.store.ledgers.append(ledger.pipeline, ledger.settings, added) : ledger;
}
