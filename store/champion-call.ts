import { RETRAIN } from '../contract/command.ts';
import { modelTypeOf } from '../contract/defaults.ts';
import { DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import type { Build } from '../contract/promotion.ts';
import type { Ref } from '../contract/ref.ts';
import { findStage, type GateDetail, type StageInputs } from '../contract/stages.ts';
import { nameBuild } from '../contract/versions.ts';
import type { Store } from './index.ts';
import type { VersionRecord } from './version-record.ts';

/** What the request of gate says of the champion. */
export interface ChampionCall {
  /** None where there is no champion, or it cannot be scored. */
  inputs: Pick<StageInputs<'gate'>, 'championModel' | 'championEncoder' | 'championTrain'>;
  detail: GateDetail;
}

/** Reads the record of the champion for the request of gate. A champion without a record cannot be scored. */
export async function readChampion(
  { records }: Pick<Store, 'records'>,
  pipeline: string,
  champion: Build | null,
): Promise<ChampionCall> {
  if (champion === null) return { inputs: {}, detail: { champion } };
  const record = await records.readBuild({ pipeline, ...champion }).catch((error: unknown) => {
    if (error instanceof MissingHistory || error instanceof DamagedArtifact) return undefined;
    throw error;
  });
  const type = modelTypeOf(record?.params['model'] ?? {});
  const detail: GateDetail = { champion: { ...champion, type } };
  const found = record && findModel(record);
  if (found !== undefined) {
    const { model, encoder, train } = found;
    const inputs = { championModel: model, championEncoder: encoder, championTrain: train };
    return { inputs, detail };
  }
  const unusable = describeLostChampion(pipeline, champion);
  return { inputs: {}, detail: { ...detail, unusable } };
}

/** Returns the model of a record, its encoder and the rows that it was trained on; undefined if one of them is not recorded. */
export function findModel({
  stages,
}: Pick<VersionRecord, 'stages'>): Record<'model' | 'encoder' | 'train', Ref> | undefined {
  const { inputs: { train } = {}, outputs: { model, encoder } = {} } =
    findStage(stages, 'train') ?? {};
  return model && encoder && train ? { model, encoder, train } : undefined;
}

/** Why a champion cannot be scored whose artifacts are gone. */
export function describeLostChampion(pipeline: string, champion: Build): string {
  return `the artifacts of the champion, version ${nameBuild(champion)}, are gone: make them again with "${RETRAIN} verify ${champion.version} --repair --pipeline ${pipeline}", then run this batch again`;
}
