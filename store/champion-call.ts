import { RETRAIN } from '../contract/command.ts';
import { modelTypeOf } from '../contract/defaults.ts';
import { DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import type { Build } from '../contract/promotion.ts';
import type { Ref } from '../contract/ref.ts';
import {
  findStage,
  type GateDetail,
  type StageInputs,
  type StageRequest,
} from '../contract/stages.ts';
import { nameBuild } from '../contract/versions.ts';
import type { Store } from './index.ts';
import type { BuildOf, VersionRecord } from './version-record.ts';

/** What the request of gate says of the champion. */
export interface ChampionCall {
  /** None where there is no champion, or it cannot be scored. */
  inputs: Pick<StageInputs<'gate'>, 'championModel' | 'championEncoder' | 'championTrain'>;
  detail: GateDetail;
}

type ReadRecords = Pick<Store['records'], 'collectedAt' | 'read' | 'readLatest'>;

/** Reads the record of the champion for the request of gate. A champion without a record cannot be scored. */
export async function readChampion(
  { records }: Pick<Store, 'records'>,
  { pipeline, batch, champion }: Pick<StageRequest<'gate'>, 'pipeline' | 'batch' | 'champion'>,
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
  const lost = record === undefined ? 'record' : 'artifacts';
  const unusable = await describeLostChampion(
    records,
    { pipeline, champion, challenger: batch },
    lost,
  );
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

/** A file of a build that is missing in the bucket or damaged, and what helps. */
interface Damage {
  path: string;
  help: string;
}

/**
 * Reads the model and the encoder of a build that is to be the champion. A HEAD would not find every damage, because a
 * server may keep the checksum of bytes that its disk has lost.
 * @returns undefined if both are sound
 */
export async function findDamage(
  { artifacts, records }: { artifacts: Pick<Store['artifacts'], 'isSound'>; records: ReadRecords },
  record: VersionRecord,
): Promise<Damage | undefined> {
  const { model, encoder } = findStage(record.stages, 'train')?.outputs ?? {};
  for (const ref of [model, encoder]) {
    if (ref === undefined || (await artifacts.isSound(ref))) continue;
    const help = await explainRestore(records, record, { it: 'it', isChampion: false });
    return { path: ref.path, help };
  }
  return undefined;
}

/**
 * Why a champion cannot be scored, and what helps.
 * @param challenger the version that it is compared with
 * @param lost what is missing in the bucket, or damaged
 */
export async function describeLostChampion(
  records: ReadRecords,
  { pipeline, champion, challenger }: { pipeline: string; champion: Build; challenger: number },
  lost: 'artifacts' | 'record' = 'artifacts',
): Promise<string> {
  const [are, them] = lost === 'record' ? ['is', 'it'] : ['are', 'them'];
  const build = { pipeline, ...champion };
  // The run may publish its build, and then the champion is not the published build of its version.
  const isReplaced = challenger === champion.version;
  const help = await explainRestore(records, build, { it: them, isChampion: true, isReplaced });
  return `the ${lost} of the champion, version ${nameBuild(champion)}, ${are} missing or damaged: ${help}; then run this batch again`;
}

/**
 * What helps where something of a build is lost.
 * @param lost.it the word for what is lost
 * @param lost.isReplaced whether another build of the version may be published in the meantime
 */
export async function explainRestore(
  records: ReadRecords,
  build: BuildOf,
  {
    it,
    isChampion,
    isReplaced = false,
  }: { it: string; isChampion: boolean; isReplaced?: boolean | undefined },
): Promise<string> {
  const { pipeline, version, seq } = build;
  let collected: string | undefined;
  try {
    collected = await records.collectedAt(build);
  } catch (error) {
    // The list of builds is damaged too, and no run of this version can add to it.
    if (error instanceof DamagedArtifact) return error.message;
    throw error;
  }
  if (collected !== undefined) return explainRebuild(build);
  const state = await findState(records, build);
  const repair = `make ${it} again with "${RETRAIN} verify ${version} --repair --pipeline ${pipeline}"`;
  if (state === 'published' && !isReplaced) return repair;
  // To publish the champion asks the gate nothing about its model. Another build is compared, and its model is lost.
  if (state !== 'lost' && isChampion)
    return `publish build ${nameBuild(build)} again with "${RETRAIN} publish ${version} --trial ${seq} --pipeline ${pipeline}", then ${repair}`;
  return `restore ${it} from a backup, or ${explainRebuild(build, ' --force')}`;
}

/** Whether a build is the published one of its version. A repair makes again only what that build needs. */
async function findState(
  records: ReadRecords,
  { pipeline, version, seq }: BuildOf,
): Promise<'published' | 'earlier' | 'lost'> {
  try {
    if ((await records.readLatest(pipeline, version))?.seq === seq) return 'published';
    return (await records.read(pipeline, version, seq)) === undefined ? 'lost' : 'earlier';
  } catch (error) {
    // Without a sound record, nothing of the build can be made again.
    if (error instanceof DamagedArtifact) return 'lost';
    throw error;
  }
}

/**
 * How a person makes another build of a version the champion.
 * @param force ` --force` where the cache names what is lost; it also makes sure that the build is another one
 */
export function explainRebuild(
  { pipeline, version }: Pick<BuildOf, 'pipeline' | 'version'>,
  force: '' | ' --force' = '',
): string {
  return `build version ${version} again with "${RETRAIN} run ${version}${force} --pipeline ${pipeline}", then make it the champion with "${RETRAIN} promote ${version} --reason REASON --pipeline ${pipeline}" if the gate has not done so`;
}
