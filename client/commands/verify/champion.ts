import { DamagedArtifact } from '../../../contract/failures.ts';
import { findStage } from '../../../contract/stages.ts';
import { nameBuild } from '../../../contract/versions.ts';
import { championsKey } from '../../../store/champions.ts';
import { recordKey, type VersionRecord } from '../../../store/version-record.ts';
import type { Verification } from './parts.ts';
import { CHAMPION, makeFault, RECORD, type Fault } from './problems.ts';

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
