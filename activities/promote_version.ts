import { RETRAIN } from '../contract/command.ts';
import type { PromoteAnswer, PromoteRequest } from '../contract/promotion.ts';
import { nameBuild } from '../contract/versions.ts';
import { findDamage } from '../store/champion-call.ts';
import { type GateAnswer, hashTrainInputs } from '../store/champions.ts';
import type { Store } from '../store/index.ts';
import type { VersionRecord } from '../store/version-record.ts';
import { refuseOtherFolder } from '../tracking/place.ts';
import { orDefer } from '../tracking/tracked-run/defer.ts';
import { pointChampion, type PointedAlias } from '../tracking/tracked-run/champion-alias.ts';
import type { TrackingDeps } from '../tracking/tracked-run/attempt.ts';
import { currentExecution } from './run-stage.ts';

type Deps = TrackingDeps & { store: Pick<Store, 'artifacts' | 'champions' | 'records'> };

/**
 * Makes a build the champion, as the gate or a person has decided, and points the alias at it. A build that was replaced,
 * removed, damaged or taken back since then is held.
 */
export async function promoteVersion(deps: Deps, request: PromoteRequest): Promise<PromoteAnswer> {
  const { pipeline, id, proposal, by, reason, waits } = request;
  const { version, seq, decision, trackingFolder } = proposal;
  if (trackingFolder !== undefined) refuseOtherFolder(deps, trackingFolder);
  const record = await deps.store.records.readBuild({ pipeline, version, seq });
  const at = new Date().toISOString();
  const entry = { id, build: { version, seq }, decision, at };
  const obstacle = await findObstacle(deps, record);
  const { champions } = deps.store;
  const hold = { ...entry, action: 'held', by: 'gate' } as const;
  // An attempt before this one may have promoted it: then its event is the answer, and the alias follows.
  const answer: GateAnswer =
    obstacle === undefined
      ? await champions.promote(pipeline, {
          ...entry,
          by,
          reason,
          inputs: hashTrainInputs(record),
          waits,
        })
      : {
          answer: 'entered',
          event: await champions.note(pipeline, { ...hold, reason: obstacle }),
        };
  if (answer.answer !== 'entered') return answer;
  if (answer.event.action === 'held') return { ...answer, alias: 'none', warnings: [] };
  return { ...answer, ...(await followChampion(deps, pipeline)) };
}

/** Points the alias at the champion; later, where tracking is not available. */
export async function followChampion(deps: Deps, pipeline: string): Promise<PointedAlias> {
  const execution = currentExecution();
  const tracker = deps.tracker.withSignal(execution.signal);
  const pointed = await orDefer(true, execution, () =>
    pointChampion({ ...deps, tracker }, pipeline),
  );
  return pointed ?? { alias: 'later', warnings: [] };
}

/** Why a build cannot become the champion; undefined where it can. */
async function findObstacle({ store }: Deps, record: VersionRecord): Promise<string | undefined> {
  const { records } = store;
  const { pipeline, version, seq } = record;
  const name = `build ${nameBuild(record)}`;
  const latest = await records.readLatest(pipeline, version);
  if (latest?.seq !== seq)
    return latest === undefined
      ? `${name} is not published`
      : `${name} is no longer the published build of version ${version}: that is build ${nameBuild(latest)}`;
  if ((await records.collectedAt(record)) !== undefined)
    return `gc removed the artifacts of ${name}: "${RETRAIN} run ${version} --pipeline ${pipeline}" builds it again`;
  const damage = await findDamage(store, record);
  if (damage === undefined) return undefined;
  return `${damage.path} of ${name} is missing or damaged in the bucket: ${damage.help}, then promote it with "${RETRAIN} promote ${version} --reason REASON --pipeline ${pipeline}"`;
}
