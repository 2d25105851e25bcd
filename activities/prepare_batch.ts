import { Conflict, DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import { checkBatch } from '../pipeline/batches/batch.ts';
import {
  batchesKnown,
  hasArrivals,
  isWhole,
  rawOf,
  tableOf,
  wholeOf,
  type Ledger,
  type NewBatch,
} from '../store/ledger/ledger.ts';
import { isDirectory } from '../contract/ref.ts';
import { cutter, type Cut } from '../sources/cutter.ts';
import { stageFor } from './batches/definition.ts';
import { columnsRef } from '../store/columns-file.ts';
import {
  MOST_DAMAGED,
  type Healed,
  type StageRequest,
  type StageResult,
} from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkFrozen } from '../sources/frozen.ts';
import { addHealed } from './healing.ts';
import { withScratch } from '../store/own-folder.ts';
import { BATCHES, batchFile } from '../contract/paths.ts';
import { runStage, type Stage, type StageDefinition } from './stage.ts';

/** Times rows may come that fill the batch which is being cut. */
const TRIES = 5;

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
    const cut = cutter(deps, ledger, wanted, request.params, {
      folder,
      execution: currentExecution(),
    });
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
