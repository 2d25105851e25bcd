import { columnsRef } from '../../store/columns-file.ts';
import { stage as evaluate } from '../../activities/evaluate.ts';
import type { SourcePlace } from '../../sources/source.ts';
import { isPlace } from '../../sources/arrivals/open-place.ts';
import { asCut, checkFrozen } from '../../sources/frozen.ts';
import { mayGrow } from '../../sources/append-only/table.ts';
import { arrivalsStage, grownStage, stage as getData } from '../../activities/get_data.ts';
import { inputsOf, stage as mergeData } from '../../activities/merge_data.ts';
import { stage as prepareBatch, stageFor } from '../../activities/batches/definition.ts';
import { stage as preprocess } from '../../activities/preprocess.ts';
import { stage as train } from '../../activities/train.ts';
import { checkBatch } from '../../pipeline/batches/batch.ts';
import type { Params } from '../../contract/params.ts';
import type { Store } from '../../store/index.ts';
import { hasArrivals, rawOf, tableOf, type Ledger } from '../../store/ledger/ledger.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { sourceOf } from './source.ts';
import {
  isRef,
  planStage,
  type Input,
  type PlanContext,
  type Planned,
  type StagePlan,
} from './stage-plan.ts';

/** What is asked about. */
export interface Asked {
  pipeline: string;
  batch: number;
  params: Params;
  last: VersionRecord | undefined;
  /** Where sources are read from, here. */
  sources: Pick<SourcePlace, 's3' | 'limits'>;
}

/**
 * What a run would do about each stage, found as the worker would find it and without running anything:
 * the data's way as in workflows/trainBatch.ts, the keys as in activities/stage.ts.
 * @throws BadParams, BadData or MissingHistory where a run would fail before its first stage ran
 */
export async function planOf(
  store: Pick<Store, 'ledgers' | 'cache'>,
  { pipeline, ...asked }: Asked,
): Promise<StagePlan[]> {
  const context: PlanContext = { cache: store.cache, ...asked };
  const { batch, params } = asked;
  const ledger = await store.ledgers.read(pipeline);
  const cut = ledger !== undefined && ledger.batches.length > 0 ? ledger : undefined;
  if (cut !== undefined) checkFrozen(cut, params);

  const { source } = params.data;
  const raw = await sourceOf(params.data, cut, batch, asked.sources);
  const data = await planData(context, cut, raw);
  const rows = cut?.raw[0]!.rows ?? data.entry?.facts['rows'];
  if (typeof rows === 'number' && !isPlace(source) && !(cut !== undefined && mayGrow(source)))
    checkBatch(batch, rows, params.data.batch_size);

  const prepare = (number: number): Promise<Planned> =>
    planStage(
      { ...context, batch: number },
      cut === undefined ? prepareBatch : stageFor(cut, number),
      cutInputs(cut, data, number),
    );
  const prepared = await prepare(batch);
  const batches = await Promise.all(
    Array.from({ length: batch }, async (_, i): Promise<Input> => {
      const standing = cut?.batches[i]?.ref;
      return standing ?? (i + 1 === batch ? prepared : await prepare(i + 1)).output('batch');
    }),
  );
  const merged = await planStage(context, mergeData, mergeInputs(batches));
  const processed = await planStage(context, preprocess, {
    merged: merged.output('merged'),
    columns: data.output('columns'),
  });
  const trained = await planStage(context, train, {
    train: processed.output('train'),
    encoder: processed.output('encoder'),
  });
  const evaluated = await planStage(context, evaluate, {
    model: trained.output('model'),
    encoder: processed.output('encoder'),
    test: processed.output('test'),
  });
  return [data, prepared, merged, processed, trained, evaluated].map(({ plan }) => plan);
}

/** get_data's plan: files that arrived may have added columns, and a later state of a table has its columns from the first. */
function planData(asked: PlanContext, ledger: Ledger | undefined, source: Input): Promise<Planned> {
  if (ledger === undefined || !isRef(source)) return planStage(asked, getData, { source });
  const context = { ...asked, params: asCut(ledger, asked.params) };
  if (hasArrivals(ledger))
    return planStage(context, arrivalsStage(getData, ledger, context.batch), { source });
  const state = tableOf(ledger, context.batch);
  if (state.after === 0) return planStage(context, getData, { source });
  return planStage(context, grownStage(ledger, state), { source, columns: state.columns });
}

/** What a batch is, or would be, cut from. */
function cutInputs(
  ledger: Ledger | undefined,
  data: Planned,
  batch: number,
): Record<'raw' | 'columns', Input> {
  const told = { raw: data.output('raw'), columns: data.output('columns') };
  if (ledger === undefined || (batch > ledger.batches.length && !isRef(told.raw))) return told;
  return { raw: rawOf(ledger, batch).ref, columns: columnsRef(ledger, batch) };
}

function mergeInputs(batches: readonly Input[]): Record<string, Input> {
  const refs = batches.filter(isRef);
  if (refs.length < batches.length)
    return { batches: { kind: 'upstream', stage: 'prepare_batch' } };
  return inputsOf(refs.map((ref, i) => ({ batch: i + 1, ref })));
}
