import { DamagedArtifact } from '../../../contract/failures.ts';
import type { Ref } from '../../../contract/ref.ts';
import { findStage } from '../../../contract/stages.ts';
import { nameBuild } from '../../../contract/versions.ts';
import { explainRestore } from '../../../store/champion-call.ts';
import { championsKey } from '../../../store/champions.ts';
import { objectKey } from '../../../store/hash.ts';
import type { Store } from '../../../store/index.ts';
import { recordKey, type VersionRecord } from '../../../store/version-record.ts';
import type { Verification } from './parts.ts';
import {
  CHAMPION,
  ignoreDamaged,
  makeFault,
  RECORD,
  type Fault,
  type Left,
  type Problem,
} from './problems.ts';

/**
 * Checks that the record of promotions can be read, and that the champion has a record and its artifacts. It adds the
 * champion's model to the inventory, because the champion need not be the published build of its version.
 * @param version the version to verify; undefined for all of them
 */
export async function verifyChampion(
  { store, pipeline, inventory, problems }: Verification,
  version: number | undefined,
): Promise<void> {
  const at = { path: CHAMPION, key: championsKey(pipeline) };
  try {
    const { champion = null } = (await store.champions.read(pipeline)) ?? {};
    if (champion === null || (version ?? champion.version) !== champion.version) return;
    const build = `build ${nameBuild(champion)}`;
    const enter = (fault: Fault): void => {
      if (!problems.has(fault.key)) problems.add(fault, [champion.version]);
    };
    const record = await readRecord(store, { pipeline, ...champion });
    if (record instanceof DamagedArtifact) return enter(makeFault(RECORD, record));
    if (record === undefined)
      return enter({
        state: 'missing',
        path: RECORD,
        key: recordKey(pipeline, champion.version, champion.seq),
        why: `it is the record of the champion, ${build}`,
      });
    if ((await store.records.collectedAt(record)) !== undefined)
      return enter({
        state: 'missing',
        ...at,
        why: `gc removed the artifacts of the champion, ${build}`,
      });
    const { model, encoder } = findStage(record.stages, 'train')?.outputs ?? {};
    for (const ref of [model, encoder]) if (ref !== undefined) inventory.add(ref, champion.version);
  } catch (error) {
    if (!(error instanceof DamagedArtifact)) throw error;
    problems.add(makeFault(CHAMPION, error), []);
  }
}

/**
 * Finds the problems that no repair solves, because only the champion has them: it is not the published build of its
 * version, or gc removed it. Where a document about the champion is damaged, that is a problem already.
 */
export async function findLostChampion(
  { champions, records }: Pick<Store, 'champions' | 'records'>,
  pipeline: string,
  problems: readonly Problem[],
): Promise<Left[]> {
  const champion = (await champions.read(pipeline).catch(ignoreDamaged))?.champion ?? null;
  if (champion === null) return [];
  const { version, seq } = champion;
  const build = { pipeline, version, seq };
  const published = await records.readLatest(pipeline, version).catch(ignoreDamaged);
  if (published === undefined) return [];
  const isCollected = (await records.collectedAt(build)) !== undefined;
  if (!isCollected && published.seq === seq) return [];
  const record = await records.read(pipeline, version, seq).catch(ignoreDamaged);
  const isKept = (await records.collectedAt(published)) === undefined;
  const made = new Set(isKept ? published.stages.flatMap(({ outputs }) => listKeys(outputs)) : []);
  const own = listKeys(record && findStage(record.stages, 'train')?.outputs);
  const keys = isCollected
    ? [championsKey(pipeline)]
    : [recordKey(pipeline, version, seq), ...own.filter((key) => !made.has(key))];
  const lost = problems.filter(
    ({ key, versions }) => keys.includes(key) && [...versions].every((one) => one === version),
  );
  const name = `the champion, build ${nameBuild(champion)}`;
  const what = isCollected ? `gc removed the artifacts of ${name}` : `only ${name}, needs it`;
  const why = `${what}: ${await explainRestore(records, build, { it: 'it', isChampion: true })}`;
  return lost.map(({ path, key }) => ({ path, key, why }));
}

function listKeys(outputs: Readonly<Record<string, Ref | undefined>> = {}): string[] {
  return Object.values(outputs).flatMap((ref) => (ref === undefined ? [] : objectKey(ref.md5)));
}

async function readRecord(
  { records }: Verification['store'],
  { pipeline, version, seq }: Pick<VersionRecord, 'pipeline' | 'version' | 'seq'>,
): Promise<VersionRecord | DamagedArtifact | undefined> {
  try {
    return await records.read(pipeline, version, seq);
  } catch (error) {
    if (!(error instanceof DamagedArtifact)) throw error;
    return error;
  }
}
