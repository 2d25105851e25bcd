import { Conflict, DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import { isDirectory } from '../contract/ref.ts';
import {
  MOST_DAMAGED,
  type Healed,
  type StageOutcome,
  type StageRequest,
  type StageResult,
} from '../contract/stages.ts';
import { checkArrivedBatch, checkBatch, checkGrownBatch } from '../pipeline/batches/order.ts';
import { prepareCuts } from '../sources/cutter.ts';
import { checkFrozen } from '../sources/frozen.ts';
import type { SourceDeps } from '../sources/source.ts';
import { cutCall } from '../sources/stage-inputs.ts';
import {
  batchesKnown,
  hasArrivals,
  isWhole,
  rawEntryOf,
  wholeOf,
  type Ledger,
  type NewBatch,
} from '../store/ledger/ledger.ts';
import { withScratch } from '../store/own-folder.ts';
import { currentExecution, addHealed, runStage, type StageDeps } from './run-stage.ts';
import { RETRAIN } from '../contract/command.ts';

type Deps = SourceDeps & StageDeps;
type Request = StageRequest<'prepare_batch'>;

/** How often the cut is attempted, when new rows change the last batch while it is cut. */
const TRIES = 5;

/**
 * Cuts batch N, and the earlier batches that are not in the ledger yet, and enters them into the ledger. After
 * that, the number of a batch always means the same rows.
 * @throws MissingHistory when the source has no such batch
 */
export async function prepareBatch(
  deps: Deps,
  request: Request,
): Promise<StageResult<'prepare_batch'>> {
  for (let tried = 1; ; tried++) {
    try {
      return await cutUpTo(deps, request);
    } catch (error) {
      const outgrown = error instanceof Conflict && error.details['grown'] === true;
      if (!outgrown || tried === TRIES) throw error;
    }
  }
}

async function cutUpTo(deps: Deps, request: Request): Promise<StageResult<'prepare_batch'>> {
  const { pipeline, batch } = request;
  const ledger = await deps.store.ledgers.read(pipeline);
  if (ledger === undefined)
    throw new MissingHistory(
      `${pipeline} has no data yet: run "${RETRAIN} stage get_data --pipeline ${pipeline}" first`,
    );
  checkFrozen(ledger, request.params);
  const { params } = request;
  checkSameTable(ledger, request.inputs);
  checkExists(ledger, batch);
  const wanted = batchesToCut(ledger, request);
  return withScratch(deps, async (folder) => {
    const cut = prepareCuts(deps, ledger, wanted, params, {
      folder,
      execution: currentExecution(),
    });
    const added: NewBatch[] = [];
    const healed: Healed[] = [];
    let result: StageOutcome<'prepare_batch'> | undefined;
    for (const number of wanted) {
      const { inputs, detail } = cutCall(ledger, number);
      const call = { ...request, params, batch: number, inputs, detail };
      result = await runStage(deps, 'prepare_batch', call, async ({ put, putFile }) => {
        const { rows, warnings, ...made } = await cut(number);
        const stored = 'bytes' in made ? put('batch', made.bytes) : putFile('batch', made.path);
        return { outputs: { batch: await stored }, facts: { rows }, warnings };
      });
      addHealed(healed, result.healed);
      added.push({
        batch: number,
        rows: result.facts.rows,
        ref: result.outputs.batch,
        raw: inputs.raw.sha256,
        from: isWhole(ledger, number) ? null : findFirstRow(ledger, number),
      });
    }
    const { revision } = await enterBatches(deps, ledger, added);
    return { ...result!, healed: healed.slice(0, MOST_DAMAGED), ledgerRevision: revision };
  });
}

/** Batches 1..N that are not cut yet or are damaged, and N itself in any case. */
function batchesToCut(ledger: Ledger, { batch, damaged, cache }: Request): number[] {
  return Array.from({ length: batch }, (_, i) => i + 1).filter((number) => {
    const known = ledger.batches[number - 1];
    const isDamaged = known !== undefined && damaged.includes(known.ref.md5);
    return known === undefined || isDamaged || number === batch || cache === 'bypass';
  });
}

/** Checks that a table is still the one that get_data read, with the types it found. */
function checkSameTable(
  { pipeline, raw }: Ledger,
  { raw: read, columns }: Request['inputs'],
): void {
  if (isDirectory(read)) return;
  const state = raw.find(({ ref }) => ref.sha256 === read.sha256);
  if (state?.columns.sha256 === columns.sha256) return;
  const what = state === undefined ? 'another state of its source' : 'other types of its columns';
  throw new Conflict(
    `another run has opened ${pipeline} with ${what} since this one read it: run it again, or choose another pipeline name`,
  );
}

/** The index of a batch's first row in the state of the table that it is cut from. */
function findFirstRow(ledger: Ledger, batch: number): number {
  return (batch - 1 - rawEntryOf(ledger, batch).after) * ledger.settings.batch_size;
}

function checkExists(ledger: Ledger, batch: number): void {
  if (hasArrivals(ledger)) return checkArrivedBatch(ledger.pipeline, batch, ledger.arrivals.length);
  const last = ledger.raw.at(-1)!;
  if (last.after === 0) return checkBatch(batch, last.rows, ledger.settings.batch_size);
  checkGrownBatch(batch, wholeOf(last).rows, batchesKnown(ledger));
}

async function enterBatches(
  deps: Deps,
  ledger: Ledger,
  added: readonly NewBatch[],
): Promise<Ledger> {
  const hasNew = added.some(({ batch, ref }) => {
    const known = ledger.batches[batch - 1];
    if (known !== undefined && known.ref.sha256 !== ref.sha256)
      throw new DamagedArtifact(
        `batch ${batch} of ${ledger.pipeline} was cut with other bytes than the ledger holds: the cutting code has changed without a new code version`,
        { details: { ref: known.ref } },
      );
    return known === undefined;
  });
  return hasNew ? deps.store.ledgers.append(ledger.pipeline, ledger.settings, added) : ledger;
}
