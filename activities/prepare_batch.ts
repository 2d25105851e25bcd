import { basename } from 'node:path';
import { Conflict, DamagedArtifact, MissingHistory } from '../errors.ts';
import { checkBatch } from '../pipeline/batch.ts';
import type { Params } from '../pipeline/params.ts';
import { hasArrivals, isWhole, rawOf, type Ledger, type NewBatch } from '../store/ledger.ts';
import { isDirectory, type Ref } from '../store/ref.ts';
import { wholeFile } from './arrivals/take-in.ts';
import type { StageRequest, StageResult } from './contract.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { checkFrozen } from './frozen.ts';
import { BATCHES, batchFile } from './paths.ts';
import { readingOf } from './reading.ts';
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
    ...(data.on_new_column === 'fail' ? {} : { on_new_column: data.on_new_column }),
    ...(data.on_missing_column === 'fail' ? {} : { on_missing_column: data.on_missing_column }),
  }),
};

/** The stage by which a batch of a pipeline is cut. */
export function stageFor(ledger: Ledger, batch: number): StageDefinition {
  return isWhole(ledger, batch) ? wholeStage : stage;
}

function stageOf(
  definition: StageDefinition,
  cut: (batch: number) => Promise<CutBatch>,
): Stage<'raw' | 'columns'> {
  return {
    ...definition,
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
  if (
    read !== undefined &&
    !isDirectory(read) &&
    !ledger.raw.some(({ ref }) => ref.sha256 === read.sha256)
  )
    throw new Conflict(
      `another run has opened ${pipeline} with another state of its source since this one read it: run it again, or choose another pipeline name`,
    );
  checkExists(ledger, batch);
  const wanted = Array.from({ length: batch }, (_, i) => i + 1).filter((number) => {
    const standing = ledger.batches[number - 1];
    const damaged = standing !== undefined && request.damaged.includes(standing.ref.md5);
    return standing === undefined || damaged || number === batch || request.cache === 'bypass';
  });
  const cut = cutter(deps, ledger, wanted, request.params);
  const added: NewBatch[] = [];
  let result: StageResult | undefined;
  for (const number of wanted) {
    const raw = rawOf(ledger, number);
    const inputs = { raw: raw.ref, columns: raw.columns };
    result = await runStage(deps, stageOf(stageFor(ledger, number), cut), {
      ...request,
      batch: number,
      inputs,
    });
    const ref = result.outputs['batch']!;
    added.push({
      batch: number,
      rows: Number(result.facts['rows']),
      ref,
      raw: raw.ref.sha256,
      from: isWhole(ledger, number) ? null : (number - 1) * ledger.settings.batch_size,
    });
  }
  const after = await enter(deps, ledger, added);
  return { ...result!, facts: { ...result!.facts, ledger_revision: after.revision } };
}

function checkExists(ledger: Ledger, batch: number): void {
  if (!hasArrivals(ledger))
    return checkBatch(batch, ledger.raw.at(-1)!.rows, ledger.settings.batch_size);
  if (batch > ledger.arrivals.length)
    throw new MissingHistory(
      `batch ${batch} of ${ledger.pipeline} has not arrived: there are ${ledger.arrivals.length}`,
    );
}

/** Cuts batches: those of one table together, reading it at most once, the others each from its file. */
function cutter(
  deps: Deps,
  ledger: Ledger,
  wanted: readonly number[],
  params: Params,
): (batch: number) => Promise<CutBatch> {
  const fromTable = wanted.filter((batch) => !isWhole(ledger, batch));
  const cuts = new Map<string, Promise<CutBatch[]>>();
  return async (batch) => {
    const raw = rawOf(ledger, batch).ref;
    if (isWhole(ledger, batch)) return takeWhole(deps, ledger, raw, params);
    const cut = cuts.get(raw.sha256) ?? cutTable(deps, ledger, raw, fromTable);
    cuts.set(raw.sha256, cut);
    return (await cut)[fromTable.indexOf(batch)]!;
  };
}

async function cutTable(
  deps: Deps,
  { settings }: Ledger,
  raw: Ref,
  batches: readonly number[],
): Promise<CutBatch[]> {
  return deps.compute(
    'cutBatches',
    {
      bytes: await deps.store.artifacts.get(raw),
      file: raw.path,
      columns: settings.columns,
      target: settings.target,
      missingValues: settings.missing_values,
      batchSize: settings.batch_size,
      shuffleSeed: settings.shuffle_seed,
      batches: [...batches],
      delimiter: settings.delimiter,
    },
    currentExecution().signal,
  );
}

async function takeWhole(
  deps: Deps,
  { settings }: Ledger,
  raw: Ref,
  params: Params,
): Promise<CutBatch> {
  const bytes = await deps.store.artifacts.get(raw);
  const file = basename(raw.path);
  return deps.compute(
    'conformBatch',
    wholeFile(file, bytes, settings, params),
    currentExecution().signal,
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
