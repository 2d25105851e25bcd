import { MissingHistory } from '../contract/failures.ts';
import { BATCHES } from '../contract/paths.ts';
import type { StageRequest, StageResult } from '../contract/stages.ts';
import { batchFiles, mergeInputs } from '../sources/stage-inputs.ts';
import type { Store } from '../store/index.ts';
import { batchesAt } from '../store/ledger/ledger.ts';
import { checkPresent } from '../store/artifacts.ts';
import { currentExecution, runStage } from './run-stage.ts';
import { RETRAIN } from '../contract/command.ts';

/**
 * Makes the union of batches 1..N: a directory over the batch objects as they were at a revision of the
 * ledger. It copies nothing.
 * @throws MissingHistory when a batch has not been cut
 */
export async function mergeData(
  deps: { store: Pick<Store, 'artifacts' | 'cache' | 'ledgers'> },
  request: StageRequest<'merge_data'>,
): Promise<StageResult<'merge_data'>> {
  const { pipeline, batch } = request;
  const ledger = await deps.store.ledgers.read(pipeline);
  const batches = ledger === undefined ? [] : batchesAt(ledger, batch, request.ledgerRevision);
  if (batches.length < batch)
    throw new MissingHistory(
      `batch ${batches.length + 1} of ${pipeline} has not been cut: run "${RETRAIN} stage prepare_batch ${batch} --pipeline ${pipeline}" first`,
    );
  const files = batchFiles(batches);
  // A single stage does not repair what earlier stages have lost: the run of a batch does.
  if (request.cache !== 'require')
    await checkPresent(deps.store.artifacts, BATCHES, files, currentExecution().runId);
  const rows = batches.reduce((sum, entry) => sum + entry.rows, 0);
  const call = { ...request, inputs: mergeInputs(batches) };
  return runStage(deps, 'merge_data', call, async ({ putDirectory }) => ({
    outputs: { merged: await putDirectory('merged', files) },
    facts: { rows, batches: batch },
  }));
}
