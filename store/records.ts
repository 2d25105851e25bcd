import { z } from 'zod';
import { DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import type { Bucket } from './bucket.ts';
import {
  createDocument,
  decodeDocument,
  MOST_DOCUMENT,
  readDocument,
  swapDocument,
  type Shape,
} from './documents.ts';
import { hashOf, refOf, sha256 } from './hash.ts';
import type { Ref } from '../contract/ref.ts';
import { inParallel } from './parallel.ts';
import { withoutSignal } from './signal.ts';
import { lineOf, VersionIndex, type VersionLine } from './version-index.ts';
import {
  RECORD,
  recordKey,
  latestKey,
  type VersionRecord,
  type BuildOf,
} from './version-record.ts';
import { RETRAIN } from '../contract/command.ts';
import { nameBuild } from '../contract/versions.ts';

const AT_ONCE = 16;

const buildsSchema = z.strictObject({
  schema: z.literal(2),
  /** The number of the build that was published last; null before the first. */
  latest: z.int().min(1).nullable(),
  /** The builds in the order of their numbers, from 1. */
  builds: z.array(
    z.strictObject({
      build: z.string(),
      /** Of the record's bytes; null until the record is written, and for builds of an earlier program. */
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
      /** Whether it is a trial: recorded, and never published. */
      trial: z.boolean().default(false),
    }),
  ),
  /** The builds whose artifacts gc has removed, and when. */
  collected: z.array(z.strictObject({ seq: z.int(), at: z.string() })).default([]),
});

type Params = VersionRecord['params'];
type Builds = z.infer<typeof buildsSchema>;

const BUILDS: Shape<Builds> = {
  schema: 2,
  shape: buildsSchema,
  upgrades: {
    1: ({ builds, ...rest }) => ({
      ...rest,
      builds: Array.isArray(builds)
        ? builds.map((build) => ({ build, sha256: null, trial: false }))
        : builds,
    }),
  },
};

const NO_BUILDS: Builds = { schema: 2, latest: null, builds: [], collected: [] };

type Draft = Omit<VersionRecord, 'schema' | 'seq'>;

interface Published {
  record: VersionRecord;
  ref: Ref;
}

/** A build, and whether it is the published one of its version, or a trial. */
export interface ListedBuild {
  record: VersionRecord;
  state: 'published' | 'trial' | 'earlier';
}

/** A record, and whether its bytes are those that were published. */
export interface FoundRecord {
  /** The build that was asked for. */
  of: BuildOf;
  record: VersionRecord;
  /** Whether the pointer has the SHA-256 of the record. Pointers of an earlier program do not. */
  hasSha256: boolean;
  /** Why the record is not the published one; undefined if no difference was found. */
  fault: string | undefined;
}

/** Version records: immutable, numbered by build, with a `latest` pointer and an index per pipeline. */
export class Records {
  readonly #bucket: Bucket;
  readonly #index: VersionIndex;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
    this.#index = new VersionIndex(bucket);
  }

  /**
   * Publishes a build of a version: reserves its number, writes its record under that number, and makes it the
   * latest in the pointer and in the index. Publishing the same build again adds nothing. If it is an earlier
   * build, that becomes the latest again.
   * @param beforeLatest runs before the build becomes, or remains, the latest. If it fails, the previous build stays
   *   the latest, and a retry runs it again.
   * @returns the stored record and its reference
   */
  async publish(draft: Draft, beforeLatest?: () => Promise<void>): Promise<Published> {
    // If this stopped halfway, a version could be listed without a record, or have a record and not be listed.
    return withoutSignal(() => this.#publish(draft, beforeLatest));
  }

  /**
   * Records a build as a trial: it gets a number and a record, and the published build stays. A build that is already
   * published stays published.
   */
  async recordTrial(draft: Draft): Promise<Published> {
    return withoutSignal(async () => {
      const { bytes, ...recorded } = await this.#write(draft, 'trial');
      await this.#setSha256(recorded.record, sha256(bytes));
      return recorded;
    });
  }

  /** Makes a recorded build the published one of its version. */
  async publishAgain(record: VersionRecord): Promise<void> {
    await withoutSignal(async () => {
      const { pipeline, version, seq } = record;
      const { bytes } = (await this.#bucket.get(recordKey(pipeline, version, seq), MOST_DOCUMENT))!;
      await this.#makeLatest(record, sha256(bytes));
      await this.#enterInIndex(record);
    });
  }

  /** Whether a build is a trial that has never been published. */
  async isTrial({ pipeline, version, seq }: BuildOf): Promise<boolean> {
    return (await this.#builds(pipeline, version))?.builds[seq - 1]?.trial === true;
  }

  /**
   * Returns the builds of a version, or of all versions of a pipeline, ordered by version and number.
   * @param report receives the error for what is damaged or lost: a record, or the pointer of a version. Its builds are
   *   left out
   */
  async listBuilds(
    { pipeline, version }: { pipeline: string; version?: number | undefined },
    report: (error: DamagedArtifact | MissingHistory) => void,
  ): Promise<ListedBuild[]> {
    const versions = version === undefined ? await this.#versionsIn(pipeline) : [version];
    const listed: ListedBuild[] = [];
    const reportDamaged = (error: unknown): void => {
      if (!(error instanceof DamagedArtifact)) throw error;
      report(error);
    };
    await inParallel(versions, AT_ONCE, async (one) => {
      const known = (await this.#builds(pipeline, one).catch(reportDamaged)) ?? NO_BUILDS;
      for (const [i, { trial, sha256: hash }] of known.builds.entries()) {
        const build = { pipeline, version: one, seq: i + 1 };
        const state = known.latest === i + 1 ? 'published' : trial ? 'trial' : 'earlier';
        try {
          const found = await this.#find(build, known);
          if (found !== undefined) listed.push({ record: assertSound(found).record, state });
          else if (hash !== null) report(await this.#explainMissing(pipeline, one, i + 1));
        } catch (error) {
          reportDamaged(error);
        }
      }
    });
    // The builds of a version are in the order of their numbers already.
    return listed.toSorted((a, b) => a.record.version - b.record.version);
  }

  async #publish(draft: Draft, beforeLatest?: () => Promise<void>): Promise<Published> {
    const { bytes, ...published } = await this.#write(draft, 'version');
    await beforeLatest?.();
    await this.#makeLatest(published.record, sha256(bytes));
    await this.#enterInIndex(published.record);
    return published;
  }

  /** Writes the record of a build under its number, unless it is there. A record that is lost is written again. */
  async #write(
    draft: Draft,
    kind: 'version' | 'trial',
  ): Promise<Published & { bytes: Uint8Array }> {
    const { pipeline, version } = draft;
    const { seq, builds } = await this.#reserve(draft, kind);
    const key = recordKey(pipeline, version, seq);
    let bytes: Uint8Array | undefined;
    const { sha256: hash } = builds.builds[seq - 1]!;
    if (hash !== null) {
      bytes = (await this.#bucket.get(key, MOST_DOCUMENT))?.bytes;
      if (bytes === undefined) await this.#forgetSha256({ pipeline, version, seq }, hash);
    }
    if (bytes === undefined) {
      const own: VersionRecord = { schema: 3, ...draft, seq };
      if (await createDocument(this.#bucket, key, own)) {
        bytes = Buffer.from(canonicalJson(own));
        return { record: own, ref: refOf(key, bytes), bytes };
      }
      bytes = (await this.#bucket.get(key, MOST_DOCUMENT))!.bytes;
    }
    let found = checkRecord({ pipeline, version, seq }, bytes, builds);
    // A lost record may have been written again since the pointer was read.
    if (found.fault !== undefined)
      found = checkRecord(found.of, bytes, await this.#builds(pipeline, version));
    const { record } = assertSound(found);
    return { record, ref: refOf(key, bytes), bytes };
  }

  /**
   * Returns the latest record of a version.
   * @throws MissingHistory when version N has not been built.
   * @throws DamagedArtifact when it is not the record that was published
   */
  async latest(pipeline: string, version: number): Promise<VersionRecord> {
    return assertSound(await this.findLatest(pipeline, version)).record;
  }

  /**
   * Returns the latest record of a version; undefined where it has not been built.
   * @throws DamagedArtifact when it is not the record that was published
   */
  async readLatest(pipeline: string, version: number): Promise<VersionRecord | undefined> {
    const found = await this.#findLatest(pipeline, version);
    return found && assertSound(found).record;
  }

  /**
   * Returns the latest record of a version, also where it has been changed since it was published.
   * @throws MissingHistory when version N has not been built.
   */
  async findLatest(pipeline: string, version: number): Promise<FoundRecord> {
    const found = await this.#findLatest(pipeline, version);
    if (found !== undefined) return found;
    throw await this.#explainMissing(pipeline, version);
  }

  /** Returns when gc removed the artifacts of this build; undefined while they are kept. */
  async collectedAt({ pipeline, version, seq }: BuildOf): Promise<string | undefined> {
    const builds = await this.#builds(pipeline, version);
    return builds?.collected.find((build) => build.seq === seq)?.at;
  }

  /** Notes that gc is about to remove the artifacts of this build. Its record stays. */
  async markCollected({ pipeline, version, seq }: BuildOf, at: string): Promise<void> {
    await swapDocument(this.#bucket, latestKey(pipeline, version), BUILDS, (current) => {
      const known = current ?? NO_BUILDS;
      const others = known.collected.filter((build) => build.seq !== seq);
      return { ...known, collected: [...others, { seq, at }] };
    });
  }

  /**
   * Returns the record of a build; undefined where there is none.
   * @throws DamagedArtifact when it is not the record that was published
   */
  async read(pipeline: string, version: number, seq: number): Promise<VersionRecord | undefined> {
    const builds = await this.#builds(pipeline, version);
    const found = await this.#find({ pipeline, version, seq }, builds);
    return found === undefined ? undefined : assertSound(found).record;
  }

  /**
   * Returns the record of a build, or of the latest build of its version.
   * @throws MissingHistory when there is no such version, or no such build of it
   * @throws DamagedArtifact when it is not the record that was published
   */
  async readBuild({
    pipeline,
    version,
    seq,
  }: Omit<BuildOf, 'seq'> & { seq?: number | undefined }): Promise<VersionRecord> {
    if (seq === undefined) return this.latest(pipeline, version);
    const record = await this.read(pipeline, version, seq);
    if (record !== undefined) return record;
    throw await this.#explainMissing(pipeline, version, seq);
  }

  /** The error for a build without a record, or for a version without a published build. */
  async #explainMissing(pipeline: string, version: number, seq?: number): Promise<MissingHistory> {
    const known = await this.#builds(pipeline, version);
    const number = seq ?? known?.latest ?? undefined;
    if (known === undefined || number === undefined)
      return new MissingHistory(
        `version ${version} of ${pipeline} has not been built: "${RETRAIN} list --pipeline ${pipeline}" shows the versions there are, and "${RETRAIN} pending --pipeline ${pipeline}" the batches to run`,
      );
    // Without a hash, its run ended before the record was written.
    const isLost = number === known.latest || (known.builds[number - 1]?.sha256 ?? null) !== null;
    if (!isLost)
      return new MissingHistory(
        `version ${version} of ${pipeline} has no build ${number}: list its builds with "${RETRAIN} list --all --pipeline ${pipeline}"`,
      );
    const what = `the record of build ${nameBuild({ version, seq: number })} of ${pipeline} (${recordKey(pipeline, version, number)}) is missing from the bucket: restore it from a backup`;
    return new MissingHistory(
      number === known.latest
        ? `${what}, or build the version again with "${RETRAIN} run ${version} --pipeline ${pipeline}"`
        : what,
    );
  }

  /** Adds to the pointer of a version the SHA-256 of its latest record, which an earlier program left out. */
  async addSha256(record: VersionRecord): Promise<void> {
    const key = recordKey(record.pipeline, record.version, record.seq);
    const stored = await this.#bucket.get(key, MOST_DOCUMENT);
    if (stored !== undefined) await this.#setSha256(record, sha256(stored.bytes));
  }

  /** Returns the headline of every version, ordered by version. One read for any number of versions. */
  async list(pipeline: string): Promise<VersionLine[]> {
    return (await this.#index.read(pipeline)) ?? this.#linesOf(pipeline);
  }

  /**
   * Returns the params of the published builds. It costs one read, and one more for each line of an earlier program.
   */
  async listWithParams(pipeline: string): Promise<(VersionLine & { params: Params })[]> {
    return this.#mapLines(pipeline, async (line) => ({
      ...line,
      params: line.params ?? (await this.latest(pipeline, line.version)).params,
    }));
  }

  /** Returns the ledger revision that each version was built from. One read, and one more for each old line. */
  async revisions(pipeline: string): Promise<{ version: number; ledger_revision: number }[]> {
    return this.#mapLines(pipeline, async ({ version, ledger_revision }) => ({
      version,
      ledger_revision: ledger_revision ?? (await this.latest(pipeline, version)).ledger_revision,
    }));
  }

  async #mapLines<T>(pipeline: string, complete: (line: VersionLine) => Promise<T>): Promise<T[]> {
    const lines = await this.list(pipeline);
    const completed: T[] = [];
    await inParallel(lines.entries(), AT_ONCE, async ([i, line]) => {
      completed[i] = await complete(line);
    });
    return completed;
  }

  /** Notes in the index where a build is logged now. The record keeps where it was logged at first. */
  async noteLogged(
    build: BuildOf,
    logged: Pick<VersionLine, 'run_id' | 'model_version'>,
  ): Promise<void> {
    await this.#index.noteLogged(build, logged, () => this.#linesOf(build.pipeline));
  }

  /**
   * Reserves a number for the build, unless it has one. The record is written later, if need be by a retry.
   * @returns the number, and the pointer as it is now
   */
  async #reserve(
    { pipeline, version, build }: Draft,
    kind: 'version' | 'trial',
  ): Promise<{ seq: number; builds: Builds }> {
    const key = latestKey(pipeline, version);
    const builds = await swapDocument(this.#bucket, key, BUILDS, (current) => {
      if (findSeq(current, build) > 0) return current!;
      const known = current ?? NO_BUILDS;
      const trial = kind === 'trial';
      return { ...known, builds: [...known.builds, { build, sha256: null, trial }] };
    });
    return { seq: findSeq(builds, build), builds };
  }

  /** @param hash the SHA-256 of the record's bytes */
  async #makeLatest({ pipeline, version, seq }: VersionRecord, hash: string): Promise<void> {
    await swapDocument(this.#bucket, latestKey(pipeline, version), BUILDS, (current) => {
      const collected = current!.collected.filter((build) => build.seq !== seq);
      const { builds, ...rest } = withSha256(current!, seq, hash);
      const published = builds.with(seq - 1, { ...builds[seq - 1]!, trial: false });
      const next = { ...rest, builds: published, latest: seq, collected };
      return hashOf(next) === hashOf(current) ? current! : next;
    });
  }

  /** Removes from the pointer the hash of a lost record. The next record under its number has other times. */
  async #forgetSha256({ pipeline, version, seq }: BuildOf, hash: string): Promise<void> {
    await swapDocument(this.#bucket, latestKey(pipeline, version), BUILDS, (current) => {
      const { builds } = current!;
      // Another run may have written the record in the meantime.
      if (builds[seq - 1]!.sha256 !== hash) return current!;
      return { ...current!, builds: builds.with(seq - 1, { ...builds[seq - 1]!, sha256: null }) };
    });
  }

  async #setSha256({ pipeline, version, seq }: BuildOf, hash: string): Promise<void> {
    await swapDocument(this.#bucket, latestKey(pipeline, version), BUILDS, (current) =>
      withSha256(current!, seq, hash),
    );
  }

  /** Updates the index to the latest build, also when another build is published at the same time. */
  async #enterInIndex(own: VersionRecord): Promise<void> {
    const { pipeline, version } = own;
    for (let record = own; ;) {
      await this.#index.enter(record, () => this.#linesOf(pipeline));
      const latest = (await this.#builds(pipeline, version))!.latest!;
      if (latest === record.seq) return;
      record = (await this.read(pipeline, version, latest))!;
    }
  }

  async #findLatest(pipeline: string, version: number): Promise<FoundRecord | undefined> {
    const builds = await this.#builds(pipeline, version);
    const seq = builds?.latest ?? null;
    return seq === null ? undefined : this.#find({ pipeline, version, seq }, builds);
  }

  async #find(of: BuildOf, builds: Builds | undefined): Promise<FoundRecord | undefined> {
    const stored = await this.#bucket.get(
      recordKey(of.pipeline, of.version, of.seq),
      MOST_DOCUMENT,
    );
    return stored === undefined ? undefined : checkRecord(of, stored.bytes, builds);
  }

  async #builds(pipeline: string, version: number): Promise<Builds | undefined> {
    return (await readDocument(this.#bucket, latestKey(pipeline, version), BUILDS))?.value;
  }

  /** Makes the lines of a missing index from the records. */
  async #linesOf(pipeline: string): Promise<VersionLine[]> {
    const lines: VersionLine[] = [];
    await inParallel(await this.#versionsIn(pipeline), AT_ONCE, async (version) => {
      const found = await this.#findLatest(pipeline, version);
      if (found !== undefined) lines.push(lineOf(assertSound(found).record));
    });
    return lines.toSorted((a, b) => a.version - b.version);
  }

  async #versionsIn(pipeline: string): Promise<number[]> {
    const folders = await this.#bucket.names(`versions/${pipeline}/`);
    return folders
      .filter((name) => /^\d{6}\/$/.test(name))
      .map((name) => Number(name.slice(0, -1)));
  }
}

/** The number of a build, from 1; 0 if it has none. */
function findSeq(builds: Builds | undefined, build: string): number {
  return (builds?.builds.findIndex((known) => known.build === build) ?? -1) + 1;
}

/** The pointer with the hash of a build's record. A hash that is there stays. */
function withSha256(builds: Builds, seq: number, hash: string): Builds {
  const known = builds.builds[seq - 1];
  if (known === undefined || known.sha256 !== null) return builds;
  return { ...builds, builds: builds.builds.with(seq - 1, { ...known, sha256: hash }) };
}

/**
 * Decodes a record, and compares it with what the pointer says of the build. If the pointer is lost, nothing is
 * compared.
 */
function checkRecord(of: BuildOf, bytes: Uint8Array, builds: Builds | undefined): FoundRecord {
  const { pipeline, version, seq } = of;
  const record = decodeDocument(recordKey(pipeline, version, seq), bytes, RECORD);
  const known = builds?.builds[seq - 1];
  const [hash, build] = [known?.sha256 ?? null, known?.build];
  const found = { of, record, hasSha256: hash !== null };
  const pointer = latestKey(pipeline, version);
  if (hash !== null && hash !== sha256(bytes))
    return { ...found, fault: `its SHA-256 is not the one in ${pointer}` };
  if (builds !== undefined && build !== record.build)
    return { ...found, fault: `its build is not build ${seq} of ${pointer}` };
  return { ...found, fault: undefined };
}

/** @throws DamagedArtifact when the record is not the one that was published */
function assertSound(found: FoundRecord): FoundRecord {
  if (found.fault !== undefined) throw makeChangedRecordError(found.of, found.fault);
  return found;
}

/** The error for a record that has been changed since it was published. */
export function makeChangedRecordError(
  { pipeline, version, seq }: BuildOf,
  fault: string,
): DamagedArtifact {
  const key = recordKey(pipeline, version, seq);
  return new DamagedArtifact(
    `the record of version ${version} of ${pipeline} (${key}) has been changed by hand or damaged (${fault}): restore it from a backup, or build the version again with "${RETRAIN} run ${version} --force --pipeline ${pipeline}"`,
    { details: { key } },
  );
}
