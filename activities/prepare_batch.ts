import { Conflict, DamagedArtifact, MissingHistory } from '../errors.ts';
import { checkBatch } from '../pipeline/batch.ts';
import { rawOf, type Ledger, type NewBatch } from '../store/ledger.ts';
import type { Ref } from '../store/ref.ts';
import type { StageRequest, StageResult } from './contract.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkFrozen } from './frozen.ts';
import { BATCHES, batchFile } from './paths.ts';
import { runStage, type Stage, type StageDefinition } from './stage.ts';

interface CutBatch {
  bytes: Uint8Array;
  rows: number;
  warnings: string[];
}

export const stage: StageDefinition = {
  name: 'prepare_batch',
  code: 1,
  params: ({ data }) => ({
    target: data.target,
    batch_size: data.batch_size,
    shuffle_seed: data.shuffle_seed,
  }),
  libraries: [],
  perBatch: true,
};

function stageOf(cut: (batch: number) => Promise<CutBatch>): Stage<'raw' | 'columns'> {
  return {
    ...stage,
    run: async ({ batch, put }) => {
      const { bytes, rows, warnings } = await cut(batch);
      return {
        outputs: { batch: await put(`${BATCHES}${batchFile(batch)}`, bytes) },
        facts: { rows },
        warnings,
      };
    },
  };
}

/**
 * Cuts batch N, and those before it that are not in the ledger yet; enters them. From then on these
 * numbers mean these rows.
 * @throws MissingHistory when the source has no such batch.
 */
export async function prepareBatch(deps: Deps, request: StageRequest): Promise<StageResult> {
  const { pipeline, batch } = request;
  const ledger = await deps.store.ledgers.read(pipeline);
  if (ledger === undefined)
    throw new MissingHistory(`${pipeline} has no data yet: run "stage get_data" first`);
  checkFrozen(ledger, request.params);
  const { raw: read } = request.inputs;
  if (read !== undefined && !ledger.raw.some(({ ref }) => ref.sha256 === read.sha256))
    throw new Conflict(
      `another run has opened ${pipeline} with another state of its source since this one read it: run it again, or choose another pipeline name`,
    );
  const { rows } = ledger.raw.at(-1)!;
  checkBatch(batch, rows, ledger.settings.batch_size);
  const wanted = Array.from({ length: batch }, (_, i) => i + 1).filter((number) => {
    const standing = ledger.batches[number - 1];
    const damaged = standing !== undefined && request.damaged.includes(standing.ref.md5);
    return standing === undefined || damaged || number === batch || request.cache === 'bypass';
  });
  const cut = cutter(deps, ledger, wanted);
  const added: NewBatch[] = [];
  let result: StageResult | undefined;
  for (const number of wanted) {
    const raw = rawOf(ledger, number);
    const inputs = { raw: raw.ref, columns: raw.columns };
    result = await runStage(deps, stageOf(cut), { ...request, batch: number, inputs });
    const ref = result.outputs['batch']!;
    added.push({
      batch: number,
      rows: Number(result.facts['rows']),
      ref,
      raw: raw.ref.sha256,
      from: (number - 1) * ledger.settings.batch_size,
    });
  }
  const after = await enter(deps, ledger, added);
  return { ...result!, facts: { ...result!.facts, ledger_revision: after.revision } };
}

/** Reads and parses the raw data at most once, however many batches are cut from it. */
function cutter(
  deps: Deps,
  ledger: Ledger,
  wanted: readonly number[],
): (batch: number) => Promise<CutBatch> {
  const { signal } = currentExecution();
  const cuts = new Map<string, Promise<CutBatch[]>>();
  const { settings } = ledger;
  const cutAll = async (raw: Ref): Promise<CutBatch[]> =>
    deps.compute(
      'cutBatches',
      {
        bytes: await deps.store.artifacts.get(raw),
        file: raw.path,
        columns: settings.columns,
        target: settings.target,
        missingValues: settings.missing_values,
        batchSize: settings.batch_size,
        shuffleSeed: settings.shuffle_seed,
        batches: [...wanted],
      },
      signal,
    );
  return async (batch) => {
    const raw = rawOf(ledger, batch).ref;
    const cut = cuts.get(raw.sha256) ?? cutAll(raw);
    cuts.set(raw.sha256, cut);
    return (await cut)[wanted.indexOf(batch)]!;
  };
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
