import { basename } from 'node:path';
import { RETRAIN } from '../contract/command.ts';
import { DamagedArtifact } from '../contract/failures.ts';
import { describeDecided, describeNewColumns } from '../pipeline/batches/conform.ts';
import type { CutFile } from '../pipeline/batches/cut.ts';
import { taskOf } from '../contract/defaults.ts';
import { readCellSettings } from '../pipeline/csv/cells.ts';
import type { Params } from '../contract/params.ts';
import {
  columnsAt,
  isWhole,
  amendmentOf,
  rawOf,
  rawEntryOf,
  type Ledger,
  shuffleSeedOf,
  type RawEntry,
} from '../store/ledger/ledger.ts';
import { conformInput, decodeFile } from './arrivals/take-in.ts';
import type { Execution } from '../contract/execution.ts';
import { localFile } from '../store/local-cache.ts';
import type { SourceDeps } from './source.ts';

/** A cut batch: bytes, or a file of this machine. */
export type Cut = { rows: number; warnings: string[] } & ({ bytes: Uint8Array } | { path: string });

/**
 * Prepares to cut batches. The batches of one state of a table are cut together, so that it is read once.
 * @returns the function that cuts a batch
 */
export function prepareCuts(
  deps: SourceDeps,
  ledger: Ledger,
  wanted: readonly number[],
  params: Params,
  { folder, execution }: { folder: string; execution: Execution },
): (batch: number) => Promise<Cut> {
  const cuts = new Map<number, Promise<CutFile[]>>();
  return async (batch) => {
    if (isWhole(ledger, batch)) return conformWhole(deps, ledger, batch, { params, execution });
    const state = rawEntryOf(ledger, batch);
    const batches = wanted.filter(
      (other) => !isWhole(ledger, other) && rawEntryOf(ledger, other) === state,
    );
    const cut =
      cuts.get(state.after) ?? cutTable(deps, ledger, state, batches, { folder, execution });
    cuts.set(state.after, cut);
    return (await cut)[batches.indexOf(batch)]!;
  };
}

async function cutTable(
  deps: SourceDeps,
  { settings }: Ledger,
  state: RawEntry,
  batches: number[],
  { folder, execution: { signal, heartbeat } }: { folder: string; execution: Execution },
): Promise<CutFile[]> {
  return deps.compute(
    'cutBatches',
    {
      path: await localFile(deps, state.ref),
      file: state.ref.path,
      delimiter: settings.delimiter,
      columns: settings.columns,
      target: settings.target,
      cells: readCellSettings(settings),
      batchSize: settings.batch_size,
      shuffleSeed: shuffleSeedOf(settings, state),
      rows: state.rows,
      after: state.after,
      batches,
      folder,
    },
    signal,
    ({ fraction }) => heartbeat({ stage: 'prepare_batch', fraction }),
  );
}

/** Makes a batch of a whole file: one that arrived, or that of an amendment. */
async function conformWhole(
  deps: SourceDeps,
  ledger: Ledger,
  batch: number,
  { params, execution }: { params: Params; execution: Execution },
): Promise<Cut> {
  const raw = rawOf(ledger, batch).ref;
  const amendment = amendmentOf(ledger, batch);
  const bytes = await deps.store.artifacts.get(raw).catch((error: unknown) => {
    if (amendment === undefined || !(error instanceof DamagedArtifact)) throw error;
    throw new DamagedArtifact(
      `${raw.path}, which batch ${batch} was amended from, is missing or damaged in the bucket: run "${RETRAIN} amend ${batch} --source FILE --pipeline ${ledger.pipeline}" with the same file`,
      { cause: error, details: error.details },
    );
  });
  // Two files may have the same bytes, which are stored under the name of the first.
  const file = amendment === undefined ? ledger.arrivals[batch - 1]!.name : basename(raw.path);
  const text = await decodeFile(file, bytes, ledger.settings.encoding);
  const columns = columnsAt(ledger, batch);
  const made = await deps.compute(
    'conformBatch',
    conformInput(file, text, ledger.settings, params, columns),
    execution.signal,
  );
  return { ...made, warnings: [...new Set([...(await describeWhole()), ...made.warnings])] };

  /** The warnings that the task does not give, because the ledger has the file already. */
  async function describeWhole(): Promise<string[]> {
    const since = columns.filter((column) => column.since === batch);
    const added = since.filter(({ open }) => open !== true).map(({ name }) => name);
    return [
      ...(amendment === undefined ? describeDuplicate(ledger, batch) : []),
      ...(batch === 1 && amendment === undefined ? await describeFirst() : []),
      ...(added.length > 0 ? [describeNewColumns(file, added)] : []),
      ...describeDecided(
        file,
        since.filter(({ open }) => open === true),
      ),
    ];
  }

  /** The first file gives the columns. Warnings about it are given when it becomes batch 1. */
  async function describeFirst(): Promise<string[]> {
    const { delimiter, target, declared } = ledger.settings;
    if (declared === undefined) return [];
    const { warnings } = await deps.compute(
      'inspectRaw',
      {
        bytes: text,
        file,
        delimiter,
        target,
        declared,
        task: taskOf(params),
        cells: readCellSettings(ledger.settings),
      },
      execution.signal,
    );
    return warnings;
  }
}

/** Warns of a file with the bytes of an earlier one, if it was not quarantined. */
function describeDuplicate({ arrivals }: Ledger, batch: number): string[] {
  const { name, raw } = arrivals[batch - 1]!;
  const first = arrivals.findIndex((arrival) => arrival.raw === raw) + 1;
  if (first === batch) return [];
  return [
    `${name} has the same bytes as ${arrivals[first - 1]!.name}, batch ${first}, so its rows count twice: set ` +
      'arrivals.on_duplicate=quarantine to keep such files out',
  ];
}
