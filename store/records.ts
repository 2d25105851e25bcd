import { z } from 'zod';
import { MissingHistory } from '../contract/failures.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import type { Bucket } from './bucket.ts';
import {
  createDocument,
  decodeDocument,
  readDocument,
  swapDocument,
  type Shape,
} from './documents.ts';
import { refOf } from './hash.ts';
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

const AT_ONCE = 16;

const buildsSchema = z.strictObject({
  schema: z.literal(1),
  /** The number of the build that was published last; null before the first. */
  latest: z.int().min(1).nullable(),
  /** The builds in the order of their numbers, from 1. */
  builds: z.array(z.string()),
  /** The builds whose artifacts gc has removed, and when. */
  collected: z.array(z.strictObject({ seq: z.int(), at: z.string() })).default([]),
});

type Builds = z.infer<typeof buildsSchema>;

const BUILDS: Shape<Builds> = { schema: 1, shape: buildsSchema };

const NO_BUILDS: Builds = { schema: 1, latest: null, builds: [], collected: [] };

type Draft = Omit<VersionRecord, 'schema' | 'seq'>;

interface Published {
  record: VersionRecord;
  ref: Ref;
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
   * @param beforeLatest runs before the build becomes the latest. If it fails, the previous build stays the
   *   latest, and a retry runs it again.
   * @returns the stored record and its reference
   */
  async publish(draft: Draft, beforeLatest?: () => Promise<void>): Promise<Published> {
    // If this stopped halfway, a version could be listed without a record, or have a record and not be listed.
    return withoutSignal(() => this.#publish(draft, beforeLatest));
  }

  async #publish(draft: Draft, beforeLatest?: () => Promise<void>): Promise<Published> {
    const { seq, latest } = await this.#reserve(draft);
    const key = recordKey(draft.pipeline, draft.version, seq);
    const own: VersionRecord = { schema: 1, ...draft, seq };
    let bytes: Uint8Array = Buffer.from(canonicalJson(own));
    let record = own;
    if (!(await createDocument(this.#bucket, key, own))) {
      bytes = (await this.#bucket.get(key))!.bytes;
      record = decodeDocument(key, bytes, RECORD);
    }
    if (latest !== seq) await beforeLatest?.();
    await this.#makeLatest(record);
    await this.#enterInIndex(record);
    return { record, ref: refOf(key, bytes) };
  }

  /**
   * Returns the latest record of a version.
   * @throws MissingHistory when version N has not been built.
   */
  async latest(pipeline: string, version: number): Promise<VersionRecord> {
    const builds = await this.#builds(pipeline, version);
    const seq = builds?.latest ?? null;
    const record = seq === null ? undefined : await this.read(pipeline, version, seq);
    if (record === undefined)
      throw new MissingHistory(
        `version ${version} of ${pipeline} has not been built: run it with "${RETRAIN} run ${version} --pipeline ${pipeline}"`,
      );
    return record;
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

  async read(pipeline: string, version: number, seq: number): Promise<VersionRecord | undefined> {
    const key = recordKey(pipeline, version, seq);
    return (await readDocument(this.#bucket, key, RECORD))?.value;
  }

  /** Returns the headline of every version, ordered by version. One read for any number of versions. */
  async list(pipeline: string): Promise<VersionLine[]> {
    return (await this.#index.read(pipeline)) ?? this.#linesOf(pipeline);
  }

  /** Returns the ledger revision that each version was built from. One read, and one more for each old line. */
  async revisions(pipeline: string): Promise<{ version: number; ledger_revision: number }[]> {
    const revisionOf = async ({ version, ledger_revision }: VersionLine) => ({
      version,
      ledger_revision: ledger_revision ?? (await this.latest(pipeline, version)).ledger_revision,
    });
    return Promise.all((await this.list(pipeline)).map(revisionOf));
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
   * @returns the number, and the number of the build that is the latest now
   */
  async #reserve({
    pipeline,
    version,
    build,
  }: Draft): Promise<{ seq: number; latest: number | null }> {
    const key = latestKey(pipeline, version);
    const { builds, latest } = await swapDocument(this.#bucket, key, BUILDS, (current) => {
      if (current?.builds.includes(build) === true) return current;
      const known = current ?? NO_BUILDS;
      return { ...known, builds: [...known.builds, build] };
    });
    return { seq: builds.indexOf(build) + 1, latest };
  }

  async #makeLatest({ pipeline, version, seq }: VersionRecord): Promise<void> {
    await swapDocument(this.#bucket, latestKey(pipeline, version), BUILDS, (current) => {
      const collected = current!.collected.filter((build) => build.seq !== seq);
      const same = current!.latest === seq && collected.length === current!.collected.length;
      return same ? current! : { ...current!, latest: seq, collected };
    });
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

  async #builds(pipeline: string, version: number): Promise<Builds | undefined> {
    return (await readDocument(this.#bucket, latestKey(pipeline, version), BUILDS))?.value;
  }

  /** Makes the lines of a missing index from the records. */
  async #linesOf(pipeline: string): Promise<VersionLine[]> {
    const lines: VersionLine[] = [];
    const folders = await this.#bucket.names(`versions/${pipeline}/`);
    await inParallel(folders, AT_ONCE, async (folder) => {
      if (!/^\d{6}\/$/.test(folder)) return;
      const version = Number(folder.slice(0, -1));
      const latest = (await this.#builds(pipeline, version))?.latest ?? null;
      const record = latest === null ? undefined : await this.read(pipeline, version, latest);
      if (record !== undefined) lines.push(lineOf(record));
    });
    return lines.toSorted((a, b) => a.version - b.version);
  }
}
