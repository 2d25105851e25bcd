import { BATCHES, batchFile, RAW_FILES } from '../contract/paths.ts';
import type { Params } from '../contract/params.ts';
import { selectColumns } from '../pipeline/batches/columns.ts';
import { withPath, type Ref } from '../contract/ref.ts';
import type { CutDetail, StageDetail, StageInputs } from '../contract/stages.ts';
import { columnsRef } from '../store/columns-file.ts';
import {
  hasArrivals,
  isWhole,
  rawOf,
  rawEntryOf,
  type Ledger,
  type NewBatch,
} from '../store/ledger/ledger.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { applyFrozenSettings } from './frozen.ts';
import { sourceIdentity } from './identity.ts';

/** The arguments of get_data. */
export interface SourceCall {
  params: Params;
  inputs: StageInputs<'get_data'>;
  detail: StageDetail<'get_data'>;
}

/** Returns the arguments of get_data for a source that is in no ledger yet. */
export function newSourceCall(params: Params, source: Ref): SourceCall {
  return {
    params,
    inputs: { source },
    detail: { source: sourceIdentity(params.data.source).name },
  };
}

/** Returns the arguments of get_data for version N of a pipeline that has a ledger. */
export function knownSourceCall(ledger: Ledger, version: number, requested: Params): SourceCall {
  const params = applyFrozenSettings(ledger, requested);
  if (hasArrivals(ledger)) {
    const { inputs, detail } = newSourceCall(params, arrivedDirectory(ledger, version));
    const addedColumns = selectColumns(ledger.added_columns, version);
    return { params, inputs, detail: { ...detail, addedColumns } };
  }
  const state = rawEntryOf(ledger, version);
  const { inputs, detail } = newSourceCall(params, state.ref);
  return {
    params,
    // A later state has the columns of the first state.
    inputs: state.after === 0 ? inputs : { ...inputs, columns: state.columns },
    detail,
  };
}

/** Returns the directory with the files of batches 1..`last`. */
function arrivedDirectory(ledger: Ledger, last: number): Ref {
  return encodeDirectory(RAW_FILES, rawFiles(ledger, last)).ref;
}

/** Returns the files of batches 1..`last`, with paths under `data/raw/files/`. */
export function rawFiles(ledger: Ledger, last: number): Ref[] {
  return Array.from({ length: last }, (_, i) => {
    const { ref } = rawOf(ledger, i + 1);
    const arrived = ledger.arrivals[i]!;
    const path =
      ref.sha256 === arrived.raw
        ? arrived.name
        : `amended/${ref.path.split('/').slice(-2).join('/')}`;
    return withPath(path, ref);
  });
}

/** Returns the arguments of prepare_batch. */
export function cutCall(
  ledger: Ledger,
  batch: number,
): { inputs: StageInputs<'prepare_batch'>; detail: CutDetail } {
  return {
    inputs: { raw: rawOf(ledger, batch).ref, columns: columnsRef(ledger, batch) },
    detail: cutDetail(ledger, batch),
  };
}

/** Returns how a batch is cut. */
export function cutDetail(ledger: Ledger, batch: number): CutDetail {
  if (isWhole(ledger, batch)) return { whole: true };
  return { whole: false, after: rawEntryOf(ledger, batch).after };
}

/** Returns the files of the merged data. */
export function batchFiles(batches: readonly Pick<NewBatch, 'batch' | 'ref'>[]): Ref[] {
  return batches.map(({ batch, ref }) => withPath(batchFile(batch), ref));
}

/** Returns the inputs of merge_data: the batches in their order. */
export function mergeInputs(
  batches: readonly Pick<NewBatch, 'batch' | 'ref'>[],
): StageInputs<'merge_data'> {
  return { batches: encodeDirectory(BATCHES, batchFiles(batches)).ref };
}
