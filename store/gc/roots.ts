import { DamagedArtifact } from '../../contract/failures.ts';
import { findEntry, listOwnInputs } from '../../contract/stages.ts';
import { isSameBuild, nameBuild } from '../../contract/versions.ts';
import type { Store } from '../index.ts';
import { inParallel } from '../parallel.ts';
import { recordKey, type BuildOf, type VersionRecord } from '../version-record.ts';
import { type Ref, refSchema } from '../../contract/ref.ts';

/**
 * The versions of a pipeline that keep their artifacts. All versions of other pipelines keep theirs, and so does the
 * champion.
 */
export interface Keep {
  pipeline: string;
  /** The last K versions. If it is undefined and `versions` is empty, all are kept. */
  last?: number | undefined;
  /** These versions too. */
  versions: readonly number[];
}

/** Returns a function that says whether a version's artifacts are kept. */
function selectKept(keep: Keep, versions: Iterable<number>): (version: number) => boolean {
  const { last } = keep;
  if (last === undefined && keep.versions.length === 0) return () => true;
  const newest = [...new Set(versions)].toSorted((a, b) => b - a).slice(0, last ?? 0);
  const kept = new Set([...newest, ...keep.versions]);
  return (version) => kept.has(version);
}

const AT_ONCE = 16;

/** The artifacts that documents name. */
export interface Roots {
  /** Outputs of kept documents: they must exist. */
  needed: Ref[];
  /** Inputs of kept documents: kept if they exist. */
  read: Ref[];
  /** Stages and keys of the cache entries that kept records name. */
  keys: Set<string>;
  /** Builds that `keep` does not include and that gc has not given up yet. */
  giveUp: BuildOf[];
  /** Their outputs. Other documents may name some of them. */
  givenUp: Ref[];
}

/**
 * Reads every ledger (with all its revisions, replaced batches and raw data), every version record of every
 * pipeline, the record of promotions, and the leases of uploads.
 * @throws DamagedArtifact when one of them cannot be read
 */
export async function readRoots(store: Store, keep: Keep): Promise<Roots> {
  const roots: Roots = { needed: [], read: [], keys: new Set(), giveUp: [], givenUp: [] };
  for await (const { key } of store.bucket.list('ledgers/')) {
    const pipeline = /^ledgers\/([A-Za-z0-9_-]+)\.json$/.exec(key)?.[1];
    if (pipeline !== undefined) roots.needed.push(...refsIn(await store.ledgers.read(pipeline)));
  }
  for (const { run, refs, expires_at: end } of (await store.leases.list()).values())
    if (run === null && Date.parse(end) > Date.now()) roots.read.push(...(refs ?? []));
  const builds = await listBuilds(store);
  const own = builds.filter(({ pipeline }) => pipeline === keep.pipeline);
  const keeps = selectKept(
    keep,
    own.map(({ version }) => version),
  );
  const { champion = null } = (await store.champions.read(keep.pipeline)) ?? {};
  await inParallel(builds, AT_ONCE, async (build) => {
    const record = await readRecord(store, build);
    if (record === undefined) return;
    const outputs = record.stages.flatMap((stage) => [...refsIn(stage.outputs)]);
    const gone = (await store.records.collectedAt(build)) !== undefined;
    const isKept =
      build.pipeline !== keep.pipeline || keeps(build.version) || isSameBuild(champion, build);
    if (gone || !isKept) {
      if (!gone) roots.giveUp.push(build);
      roots.givenUp.push(...outputs);
      // A decision cannot be made again once there is another champion, and the record names it.
      for (const { stage, key, outputs: made } of record.stages.filter(isAboutBuild)) {
        roots.read.push(...refsIn(made));
        roots.keys.add(`${stage} ${key}`);
      }
      return;
    }
    roots.needed.push(...outputs);
    // Not what the gate compared the build with, which is kept as long as its own version is.
    roots.read.push(...record.stages.flatMap(listOwnInputs));
    for (const { stage, key } of record.stages) roots.keys.add(`${stage} ${key}`);
  });
  return roots;
}

function isAboutBuild({ stage }: { stage: string }): boolean {
  return findEntry(stage)?.aboutBuild === true;
}

/** @throws DamagedArtifact that says how to continue when a build's record cannot be repaired */
async function readRecord(
  { records }: Store,
  { pipeline, version, seq }: BuildOf,
): Promise<VersionRecord | undefined> {
  try {
    return await records.read(pipeline, version, seq);
  } catch (error) {
    if (!(error instanceof DamagedArtifact) || error.details['newer'] === true) throw error;
    const key = recordKey(pipeline, version, seq);
    throw new DamagedArtifact(
      `the stored document ${key} has been changed by hand or damaged, so the artifacts of build ${nameBuild({ version, seq })} of ${pipeline} are not known, and nothing is removed: restore it from a backup, or delete ${key} to give the build up`,
      { cause: error, details: error.details },
    );
  }
}

async function listBuilds({ bucket }: Store): Promise<BuildOf[]> {
  const builds: BuildOf[] = [];
  for await (const { key } of bucket.list('versions/')) {
    const [, pipeline, version, seq] =
      /^versions\/([A-Za-z0-9_-]+)\/(\d{6})\/(\d{6,})\.json$/.exec(key) ?? [];
    if (pipeline === undefined) continue;
    const build = { pipeline, version: Number(version), seq: Number(seq) };
    if (recordKey(pipeline, build.version, build.seq) === key) builds.push(build);
  }
  return builds;
}

/**
 * Returns every reference in a stored document. References are found by their shape, so that a new field of a
 * document protects its objects too.
 */
export function* refsIn(value: unknown): Generator<Ref> {
  if (typeof value !== 'object' || value === null) return;
  const ref = 'md5' in value && 'sha256' in value ? refSchema.safeParse(value) : undefined;
  if (ref?.success === true) yield ref.data;
  else for (const inner of Object.values(value)) yield* refsIn(inner);
}
