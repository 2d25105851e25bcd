import { MissingHistory } from '../contract/failures.ts';
import { batchesAt, type NewBatch } from '../store/ledger/ledger.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { at, type Ref } from '../contract/ref.ts';
import type { MergeDataRequest, StageResult } from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkPresent } from '../store/artifacts.ts';
import { BATCHES, batchFile, MERGED } from '../contract/paths.ts';
import { runStage, type Stage, type StageDefinition } from './stage.ts';

export const stage: StageDefinition = {
  name: 'merge_data',
  code: 1,
  params: () => ({}),
  libraries: [],
  perBatch: true,
};

/** What decides the union of batches 1..N: the batches in their order. */
export function inputsOf(batches: readonly Pick<NewBatch, 'batch' | 'ref'>[]): { batches: Ref } {
  return { batches: encodeDirectory(BATCHES, filesOf(batches)).ref };
}

function filesOf(batches: readonly Pick<NewBatch, 'batch' | 'ref'>[]): Ref[] {
  return batches.map(({ batch, ref }) => at(batchFile(batch), ref));
}

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
  // A stage of its own does not mend what the ones before it have lost: the run of a batch does.
  if (request.cache !== 'require')
    await checkPresent(deps.store.artifacts, BATCHES, filesOf(batches), currentExecution().runId);
  const rows = batches.reduce((sum, entry) => sum + entry.rows, 0);
  const whole: Stage<'batches'> = {
    ...stage,
    run: async ({ putDirectory }) => ({
      outputs: { merged: await putDirectory(MERGED, filesOf(batches)) },
      facts: { rows, batches: batch },
    }),
  };
  return runStage(deps, whole, { ...request, inputs: inputsOf(batches) });
}
