import { describeFailure } from '../../failure.ts';
import { say } from '../../print.ts';
import type { Session } from '../../session.ts';
import { start } from '../../start.ts';
import { findStale, nameBatches } from '../../versions.ts';
import { warnWithoutWorker } from '../../waiting.ts';
import { RAW } from '../../../contract/paths.ts';
import type { Build } from '../../../contract/promotion.ts';
import type { Repair } from '../../../contract/train-batch.ts';
import { findEntry, MOST_DAMAGED } from '../../../contract/stages.ts';
import { readParams } from '../../../store/record-check.ts';
import { MOST_DOCUMENT } from '../../../store/documents.ts';
import type { Store } from '../../../store/index.ts';
import type { Ledger } from '../../../store/ledger/ledger.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import type { trainBatch } from '../../../workflows/index.ts';
import { findLostChampion } from './champion.ts';
import { CACHE_ENTRY, LEDGER, RECORD, ignoreDamaged, type Left, type Problem } from './problems.ts';
import { verifyVersions, type Verified } from './versions.ts';
import { RETRAIN } from '../../../contract/command.ts';

/** The result of a repair. */
export interface Repaired {
  /** The verification afterwards: its problems are those that are left. */
  verified: Verified;
  repaired: Problem[];
  /** The runs that repaired it. */
  runs: { version: number; workflowId: string; runId: string; forced: boolean }[];
  /** Why a version was not run, or its run failed. */
  notRepaired: Map<number, string>;
  /** The objects that no run can make again. */
  left: Left[];
  /** Versions that have other bytes now: the program has changed since they were built. */
  changed: number[];
}

/**
 * Makes missing and damaged objects again. It runs each version that needs some of them again, with the params of
 * its record and a list of the damaged objects. If some are still damaged, it runs these versions with force.
 */
export async function repairVersions(
  session: Session,
  asked: { pipeline: string; version: number | undefined },
  found: Verified,
): Promise<Repaired> {
  const result: Repaired = {
    verified: found,
    repaired: [],
    runs: [],
    notRepaired: new Map(),
    left: [],
    changed: [],
  };
  result.left = await findUnrepairable(session.store, asked.pipeline, found.problems);
  for (const force of [false, true]) {
    const ran = await repairRound(session, result, force);
    if (ran) result.verified = await verifyVersions(session.store, asked);
  }
  result.verified = await addHashes(session.store, result.verified);
  const left = new Set(result.verified.problems.map(({ key }) => key));
  result.repaired = found.problems.filter(({ key }) => !left.has(key));
  return result;
}

/** Adds the SHA-256 of sound records to pointers that an earlier program wrote. */
async function addHashes({ records }: Store, verified: Verified): Promise<Verified> {
  for (const version of verified.unhashed)
    await records.addSha256(await records.latest(verified.pipeline, version));
  return { ...verified, unhashed: [] };
}

/** @returns whether anything was run. */
async function repairRound(session: Session, repaired: Repaired, force: boolean): Promise<boolean> {
  const { verified, notRepaired } = repaired;
  // Raw data is read, never made: a forced run would only make everything else again.
  let open = verified.problems.filter(
    ({ path, key }) =>
      !repaired.left.some((left) => left.key === key) && (!force || !path.startsWith(`${RAW}/`)),
  );
  const before = repaired.runs.length;
  // The last version needs every batch: what its run repairs need not be made again for the others.
  const kept = verified.versions.filter((version) => !verified.notKept.includes(version));
  for (const version of kept.toSorted((a, b) => b - a)) {
    const own = open.filter(({ versions }) => {
      const rest = [...versions];
      return rest.length === 0 || rest.includes(version); // what no version needs, any run can repair
    });
    if (own.length === 0 || notRepaired.has(version)) continue;
    try {
      const obstacle = await findObstacle(session, verified, version);
      if (obstacle === undefined) await rebuild(session, repaired, { version, own, force });
      else notRepaired.set(version, obstacle);
    } catch (error) {
      notRepaired.set(version, (await describeFailure(error)).message);
    }
    if (!notRepaired.has(version)) open = open.filter((problem) => !own.includes(problem));
  }
  return repaired.runs.length > before;
}

/** Why a run cannot rebuild a version as it was; undefined if it can. */
async function findObstacle(
  { store }: Session,
  { pipeline, problems }: Verified,
  version: number,
): Promise<string | undefined> {
  if (problems.some(({ path }) => path === LEDGER))
    return 'without the ledger no version can be rebuilt as it was: restore the ledger from a backup first';
  const ofRecord = problems.find(
    ({ path, versions }) => path === RECORD && [...versions].includes(version),
  );
  if (ofRecord !== undefined) {
    const [fault, flag] =
      ofRecord.state === 'missing'
        ? ['is missing', '']
        : ['no longer has the params it was built with', ' --force'];
    return `its record ${fault}: restore the record from a backup, or build the version with "${RETRAIN} run ${version}${flag} --pipeline ${pipeline}"`;
  }
  const stale = await findStale(store, await store.records.latest(pipeline, version));
  if (stale !== null)
    return `${nameBatches(stale.batches)} ${stale.batches.length === 1 ? 'was' : 'were'} replaced since it was built: "${RETRAIN} run ${version} --pipeline ${pipeline}" builds it from the present rows`;
  return undefined;
}

async function rebuild(
  session: Session,
  { runs, changed, verified: { pipeline } }: Repaired,
  { version, own, force }: { version: number; own: readonly Problem[]; force: boolean },
): Promise<void> {
  const { store, client } = session;
  const record = await store.records.latest(pipeline, version);
  const set = readParams(record);
  const damaged = [...new Set(own.flatMap(({ md5 }) => md5 ?? []))];
  const forced = force || damaged.length > MOST_DAMAGED;
  for (const problem of own) await removeDamagedEntry(session, problem);
  say(`repairing version ${version}${forced ? ', with every stage' : ''}`);
  await warnWithoutWorker(session);
  const { workflowId, runId } = await start(session, {
    pipeline,
    batch: version,
    set, // of its record, which may not be those of the pipeline now
    repair: describeBuild(record),
    damaged: damaged.slice(0, MOST_DAMAGED),
    ...(forced ? { force: true } : {}),
  });
  runs.push({ version, workflowId, runId, forced });
  await client.workflow.getHandle<typeof trainBatch>(workflowId, runId).result();
  const now = await store.records.latest(pipeline, version);
  if (listOutputHashes(now) !== listOutputHashes(record) && !changed.includes(version))
    changed.push(version);
}

/** What a run must know of a build to make its objects again. */
function describeBuild({ stages, forced, workflow }: VersionRecord): Repair {
  const gate = stages.find(({ stage }) => stage === 'gate');
  const champion = gate?.params['champion'] as Build | null | undefined;
  const was = champion && { version: champion.version, seq: champion.seq };
  return {
    ...(was === undefined ? {} : { champion: was }),
    ...(forced ? { forced_by: workflow.run_id } : {}),
  };
}

/** Removes a damaged cache entry, because a run would not replace it. */
async function removeDamagedEntry({ store: { bucket } }: Session, problem: Problem): Promise<void> {
  const { path, state, key } = problem;
  if (state !== 'damaged' || !path.startsWith(CACHE_ENTRY)) return;
  const stored = await bucket.get(key, MOST_DOCUMENT).catch(ignoreDamaged);
  if (stored !== undefined && !isNewer(stored.bytes)) await bucket.delete(key);
}

/** Whether a later program wrote an entry: it is not damaged, but this program cannot read it. */
function isNewer(bytes: Uint8Array): boolean {
  try {
    const { schema } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { schema?: unknown };
    return typeof schema === 'number' && schema > 1;
  } catch {
    return false;
  }
}

/** The outputs that make the build; what is only about it, such as a decision on the champion, may differ. */
function listOutputHashes({ stages }: VersionRecord): string {
  const own = stages.filter(({ stage }) => findEntry(stage)?.aboutBuild !== true);
  const hashes = own.map(({ outputs }) => Object.values(outputs).map(({ sha256 }) => sha256));
  return JSON.stringify(hashes);
}

/** Finds the problems that no run can repair, with what helps. */
export async function findUnrepairable(
  store: Store,
  pipeline: string,
  problems: readonly Problem[],
): Promise<Left[]> {
  if (problems.length === 0) return [];
  // If the ledger cannot be read, that is in `problems` already.
  const ledger = await store.ledgers.read(pipeline).catch(ignoreDamaged);
  return [
    ...(ledger === undefined ? [] : findLostData(ledger, problems)),
    ...(await findLostChampion(store, pipeline, problems)),
  ];
}

/** The problems that only a person can repair, because only the ledger names the object. */
function findLostData(ledger: Ledger, problems: readonly Problem[]): Left[] {
  return problems.flatMap(({ path, key, md5 }) => {
    const why = md5 === undefined ? undefined : explainUnrepairable(ledger, md5);
    return why === undefined ? [] : [{ path, key, why }];
  });
}

function explainUnrepairable(
  { pipeline, raw, amended, batches }: Ledger,
  md5: string,
): string | undefined {
  if (raw.some(({ ref }) => ref.md5 === md5)) return undefined; // its source can have it
  const amendments = amended.filter(({ ref }) => ref.md5 === md5);
  const now = amendments.find(({ batch, ref }) => batches[batch - 1]?.raw === ref.sha256);
  if (now !== undefined)
    return `batch ${now.batch} was amended from it: "${RETRAIN} amend ${now.batch} --source FILE --pipeline ${pipeline}", with the same file, restores it`;
  if (batches.some(({ ref }) => ref.md5 === md5)) return undefined; // it can be cut again
  const was = batches.find(({ replaced }) => replaced.some(({ ref }) => ref.md5 === md5));
  const batch = amendments.at(-1)?.batch ?? was?.batch;
  if (batch === undefined) return undefined;
  return `it is the data of batch ${batch} from before an amendment, and no run reads it: restore it from a backup`;
}
