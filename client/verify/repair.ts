import { MOST_DAMAGED } from '../../contract/stages.ts';
import { RAW } from '../../contract/paths.ts';
import { parseParams } from '../../contract/params.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { staleVersions } from '../../store/ledger/read.ts';
import type { trainBatch } from '../../workflows/index.ts';
import { describeFailure } from '../failure.ts';
import { say } from '../print.ts';
import type { Session } from '../session.ts';
import { start } from '../start.ts';
import { whatIsLeft, type Left } from './left.ts';
import {
  CACHE_ENTRY,
  LEDGER,
  RECORD,
  unlessDamaged,
  type Problem,
  type Verified,
} from './problems.ts';
import { verifyVersions } from './versions.ts';
import { warnWithoutWorker } from '../waiting.ts';

/** What a repair came to. */
export interface Repaired {
  /** As it is afterwards; its problems are those that are left. */
  verified: Verified;
  mended: Problem[];
  /** The runs that mended it. */
  runs: { version: number; workflowId: string; runId: string; forced: boolean }[];
  /** Why a version was not, or could not be, run. */
  hindered: Map<number, string>;
  /** What no run makes again, and how it comes back. */
  left: Left[];
  /** Versions that came out with other bytes: the program has changed since they were built. */
  changed: number[];
}

/**
 * Makes what is missing or damaged anew: each version that rests on some of it is run once more with the
 * params of its record, told what is damaged; what is damaged still is left to a forced run.
 */
export async function repair(
  session: Session,
  asked: { pipeline: string; version: number | undefined },
  found: Verified,
): Promise<Repaired> {
  const repaired: Repaired = {
    verified: found,
    mended: [],
    runs: [],
    hindered: new Map(),
    left: [],
    changed: [],
  };
  // A ledger that cannot be read has been told of already.
  const ledger = await session.store.ledgers.read(asked.pipeline).catch(unlessDamaged);
  repaired.left = whatIsLeft(ledger, found.problems);
  for (const force of [false, true]) {
    const ran = await repairRound(session, repaired, force);
    if (ran) repaired.verified = await verifyVersions(session.store, asked);
  }
  const left = new Set(repaired.verified.problems.map(({ key }) => key));
  repaired.mended = found.problems.filter(({ key }) => !left.has(key));
  return repaired;
}

/** @returns whether anything was run. */
async function repairRound(session: Session, repaired: Repaired, force: boolean): Promise<boolean> {
  const { verified, hindered } = repaired;
  // Raw data is read, never made: a forced run would only make the rest for nothing.
  let open = verified.problems.filter(
    ({ path, key }) =>
      !repaired.left.some((left) => left.key === key) && (!force || !path.startsWith(`${RAW}/`)),
  );
  const before = repaired.runs.length;
  // The last version rests on every batch: what it mends need not be made again for the others.
  const standing = verified.versions.filter((version) => !verified.notKept.includes(version));
  for (const version of standing.toSorted((a, b) => b - a)) {
    const own = open.filter(({ versions }) => {
      const rest = [...versions];
      return rest.length === 0 || rest.includes(version); // what no version rests on, any run may mend
    });
    if (own.length === 0 || hindered.has(version)) continue;
    try {
      const hindrance = await hindranceOf(session, verified, version);
      if (hindrance === undefined) await rebuild(session, repaired, { version, own, force });
      else hindered.set(version, hindrance);
    } catch (error) {
      hindered.set(version, describeFailure(error).message);
    }
    if (!hindered.has(version)) open = open.filter((problem) => !own.includes(problem));
  }
  return repaired.runs.length > before;
}

/** Why running a version again would not bring back what it was. */
async function hindranceOf(
  { store }: Session,
  { pipeline, problems }: Verified,
  version: number,
): Promise<string | undefined> {
  if (problems.some(({ path }) => path === LEDGER))
    return 'without the ledger nothing can be made as it was: bring that back from a backup first';
  if (problems.some(({ path, versions }) => path === RECORD && [...versions].includes(version)))
    return `its record says no longer what it was built with: bring that back from a backup, or build the version with "run ${version}"`;
  const ledger = await store.ledgers.read(pipeline);
  const record = await store.records.latest(pipeline, version);
  const [stale] = ledger === undefined ? [] : staleVersions(ledger, [record]);
  if (stale !== undefined)
    return `batch ${stale.batches.join(', ')} was replaced since it was built: "run ${version}" builds it of what stands there now`;
  return undefined;
}

async function rebuild(
  session: Session,
  { runs, changed, verified: { pipeline } }: Repaired,
  { version, own, force }: { version: number; own: readonly Problem[]; force: boolean },
): Promise<void> {
  const { store, client } = session;
  const record = await store.records.latest(pipeline, version);
  const set = parseParams(paramsSchema, record.params, `params of version ${version}`);
  const damaged = [...new Set(own.flatMap(({ md5 }) => md5 ?? []))];
  const forced = force || damaged.length > MOST_DAMAGED;
  for (const problem of own) await discard(session, problem);
  say(`making anew what version ${version} has lost${forced ? ': every stage of it' : ''}`);
  await warnWithoutWorker(session);
  const { workflowId, runId } = await start(session, {
    pipeline,
    batch: version,
    set,
    damaged: damaged.slice(0, MOST_DAMAGED),
    ...(forced ? { force: true } : {}),
  });
  runs.push({ version, workflowId, runId, forced });
  await client.workflow.getHandle<typeof trainBatch>(workflowId, runId).result();
  const now = await store.records.latest(pipeline, version);
  if (outputsOf(now) !== outputsOf(record) && !changed.includes(version)) changed.push(version);
}

/** A damaged cache entry stands in the way of the one that a run would write. */
async function discard({ store: { bucket } }: Session, problem: Problem): Promise<void> {
  const { path, state, key } = problem;
  if (state !== 'damaged' || !path.startsWith(CACHE_ENTRY)) return;
  const stored = await bucket.get(key);
  if (stored !== undefined && !isNewer(stored.bytes)) await bucket.delete(key);
}

/** A later program's entry is not damaged, only not for this one to read. */
function isNewer(bytes: Uint8Array): boolean {
  try {
    const { schema } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { schema?: unknown };
    return typeof schema === 'number' && schema > 1;
  } catch {
    return false;
  }
}

function outputsOf({ stages }: VersionRecord): string {
  const hashes = stages.map(({ outputs }) => Object.values(outputs).map(({ sha256 }) => sha256));
  return JSON.stringify(hashes);
}
