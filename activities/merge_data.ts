import { MissingHistory } from '../errors.ts';
import { batchesAt } from '../store/ledger.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { at } from '../store/ref.ts';
import type { MergeDataRequest, StageResult } from './contract.ts';
import type { Deps } from './deps.ts';
import { BATCHES, batchFile, MERGED } from './paths.ts';
import { runStage, type Stage } from './stage.ts';

/**
 * Makes the union of batches 1..N: a directory over the batch objects as they stood at a revision of
 * the ledger, copying nothing.
 */
export async function mergeData(deps: Deps, request: MergeDataRequest): Promise<StageResult> {
  const { pipeline, batch } = request;
  const ledger = await deps.store.ledgers.read(pipeline);
  const batches = ledger === undefined ? [] : batchesAt(ledger, batch, request.ledgerRevision);
  if (batches.length < batch)
    throw new MissingHistory(
      `batch ${batches.length + 1} of ${pipeline} has not been cut: run "stage prepare_batch ${batch}" first`,
    );
  const files = batches.map((entry) => at(batchFile(entry.batch), entry.ref));
  const rows = batches.reduce((sum, entry) => sum + entry.rows, 0);
  const stage: Stage<'batches'> = {
    name: 'merge_data',
    code: 1,
    params: () => ({}),
    libraries: [],
    perBatch: true,
    run: async ({ putDirectory }) => ({
      outputs: { merged: await putDirectory(MERGED, files) },
      facts: { rows, batches: batch },
    }),
  };
  const inputs = { batches: encodeDirectory(BATCHES, files).ref };
  return runStage(deps, stage, { ...request, inputs });
}
