import { DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import type { ChangeRequest, Entered, PromotionEvent } from '../contract/promotion.ts';
import { explainRebuild, findDamage } from '../store/champion-call.ts';
import { hashTrainInputs } from '../store/champions.ts';
import { nameBuild } from '../contract/versions.ts';
import type { Store } from '../store/index.ts';
import type { VersionRecord } from '../store/version-record.ts';
import type { TrackingDeps } from '../tracking/tracked-run/attempt.ts';
import { followChampion } from './promote_version.ts';

type Deps = TrackingDeps & { store: Pick<Store, 'artifacts' | 'champions' | 'records'> };

/**
 * Makes a build the champion because a person says so, or takes the champion back, and points the alias at it. The place
 * in which the worker tracks does not matter: the record is the truth, and a rollback must not wait for its repair.
 * @throws MissingHistory when there is no such version or no earlier champion, or when gc removed the artifacts
 * @throws DamagedArtifact when its model or its encoder is missing in the bucket or damaged
 * @throws Conflict when the build is the champion already, or the champion is not the one that the person has seen
 */
export async function changeChampion(deps: Deps, request: ChangeRequest): Promise<Entered> {
  const event = await enterChange(deps, request);
  return { answer: 'entered', event, ...(await followChampion(deps, request.pipeline)) };
}

async function enterChange(
  { store: { artifacts, champions, records } }: Deps,
  { pipeline, id, action, version, by, reason, seen }: ChangeRequest,
): Promise<PromotionEvent> {
  const read = async (build: { version: number; seq?: number }): Promise<VersionRecord> => {
    const record = await records.readBuild({ pipeline, ...build });
    const collected = await records.collectedAt(record);
    if (collected !== undefined) throw makeCollectedError(record, collected);
    const damage = await findDamage({ artifacts, records }, record);
    if (damage !== undefined)
      throw new DamagedArtifact(
        `${describeRefusal(record)}, because ${damage.path} is missing or damaged in the bucket: ${damage.help}`,
      );
    return record;
  };
  const entry = { id, by, reason, seen, at: new Date().toISOString() };
  if (action === 'rolled_back')
    return champions
      .rollBack(pipeline, {
        ...entry,
        version,
        check: async (build) => void (await read(build)),
        hashInputs: async (build) =>
          hashTrainInputs(await records.readBuild({ pipeline, ...build })),
      })
      .catch(async (error: unknown) => {
        // The hint for a version that was never the champion, to promote it, is wrong for one that does not exist.
        if (error instanceof MissingHistory && version !== undefined)
          await records.findLatest(pipeline, version);
        throw error;
      });
  const record = await read({ version: version! });
  const { seq } = record;
  const build = { version: record.version, seq };
  return champions.promoteByHand(pipeline, { ...entry, build, inputs: hashTrainInputs(record) });
}

/** The error for a build that gc did not keep. A rollback needs this build, and a new run may make another one. */
function makeCollectedError(record: VersionRecord, collected: string): MissingHistory {
  return new MissingHistory(
    `${describeRefusal(record)}, because gc removed its artifacts on ${collected.slice(0, 10)}: ${explainRebuild(record)}`,
  );
}

function describeRefusal({ pipeline, version, seq }: VersionRecord): string {
  return `build ${nameBuild({ version, seq })} of ${pipeline} cannot be the champion`;
}
