import { z } from 'zod';
import { Conflict, DamagedArtifact } from '../errors.ts';
import type { Bucket } from './bucket.ts';
import { hashOf } from './hash.ts';
import { readDocument, swapDocument, type Shape } from './documents.ts';
import { refSchema } from './ref.ts';

/** What may never change under data already cut. */
const settingsSchema = z.strictObject({
  source: z.strictObject({
    kind: z.enum(['iris', 'file', 'url', 's3', 'dvc', 'folder', 'prefix']),
    name: z.string(),
  }),
  /** Whether rows or files may still come: such a source is never shuffled. */
  grows: z.boolean(),
  /** How its text is to be read. */
  delimiter: z.string().length(1),
  encoding: z.enum(['utf-8', 'latin1']),
  target: z.string(),
  columns: z.array(
    z.strictObject({ name: z.string(), type: z.enum(['number', 'category', 'ignore']) }),
  ),
  missing_values: z.array(z.string()),
  batch_size: z.int(),
  shuffle_seed: z.int().nullable(),
  split_key: z.array(z.string()).nullable(),
});

const batchSchema = z.strictObject({
  batch: z.int().min(1),
  /** The ledger revision that brought these rows in. */
  revision: z.int(),
  rows: z.int(),
  ref: refSchema,
  /** SHA-256 of the raw data it was cut from. */
  raw: z.string(),
  /** Its first place in the shuffled order of that raw data, from 0; null when it is the whole of it. */
  from: z.int().nullable(),
  /** Batches this one replaced, newest first: `revision` brought it in, `until` took it out. */
  replaced: z
    .array(
      z.strictObject({
        revision: z.int(),
        until: z.int(),
        rows: z.int(),
        ref: refSchema,
        raw: z.string(),
        from: z.int().nullable(),
      }),
    )
    .default([]),
});

const ledgerSchema = z.strictObject({
  schema: z.literal(2),
  pipeline: z.string(),
  /** Grows by one with every change; any earlier revision can be read back from this document. */
  revision: z.int().min(1),
  settings: settingsSchema,
  /** The raw data as it was fetched, newest last. */
  raw: z
    .array(
      z.strictObject({
        revision: z.int(),
        ref: refSchema,
        columns: refSchema,
        rows: z.int(),
        /** ISO 8601, UTC. */
        fetched_at: z.string(),
        /** What a web server called this state of the source, where it said. */
        etag: z.string().nullable(),
      }),
    )
    .min(1),
  batches: z.array(batchSchema),
});

const LEDGER: Shape<z.infer<typeof ledgerSchema>> = {
  schema: 2,
  shape: ledgerSchema,
  upgrades: { 1: closedSource },
};

/** Before schema 2 a source was the built-in data set or one closed file, comma-separated UTF-8. */
function closedSource(older: Record<string, unknown>): Record<string, unknown> {
  const settings = older['settings'] as { source: { kind: string; name: string } };
  const kind = settings.source.kind === 'csv' ? 'file' : settings.source.kind;
  return {
    ...older,
    schema: 2,
    settings: {
      ...settings,
      source: { ...settings.source, kind },
      grows: false,
      delimiter: ',',
      encoding: 'utf-8',
    },
  };
}

export type Settings = z.infer<typeof settingsSchema>;
export type LedgerBatch = z.infer<typeof batchSchema>;
export type Ledger = z.infer<typeof ledgerSchema>;
export type RawEntry = Ledger['raw'][number];
export type NewBatch = Pick<LedgerBatch, 'batch' | 'rows' | 'ref' | 'raw' | 'from'>;

/** What a pipeline's data is: frozen settings and its batches in order, each immutable once cut. */
export class Ledgers {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async read(pipeline: string): Promise<Ledger | undefined> {
    return (await readDocument(this.#bucket, ledgerKey(pipeline), LEDGER))?.value;
  }

  /**
   * Opens the ledger. One that has no batch yet takes the new settings; one that has is returned as it
   * is, for the caller to compare.
   */
  async open(
    pipeline: string,
    settings: Settings,
    raw: Omit<RawEntry, 'revision'>,
  ): Promise<Ledger> {
    return swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) => {
      if (current !== undefined && current.batches.length > 0) return current;
      const revision = (current?.revision ?? 0) + 1;
      const next: Ledger = {
        schema: 2,
        pipeline,
        revision,
        settings,
        raw: [{ revision, ...raw }],
        batches: [],
      };
      const same = current !== undefined && hashOf(contentOf(current)) === hashOf(contentOf(next));
      return same ? current : next;
    });
  }

  /**
   * Enters batches that are not in the ledger yet, in order.
   * @param settings what they were cut under
   * @throws Conflict when the ledger has been opened under other settings or with other data meanwhile.
   * @throws DamagedArtifact when a batch already stands there with other bytes: the same number never
   * means two things.
   */
  async append(
    pipeline: string,
    settings: Settings,
    batches: readonly NewBatch[],
  ): Promise<Ledger> {
    return swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) => {
      if (current === undefined) throw noLedger(pipeline);
      if (hashOf(current.settings) !== hashOf(settings))
        throw new Conflict(
          `another run has opened ${pipeline} with other settings while this one cut its batches: run it again, or choose another pipeline name`,
        );
      const known = new Set(current.raw.map(({ ref }) => ref.sha256));
      if (!batches.every(({ raw }) => known.has(raw)))
        throw new Conflict(
          `another run has opened ${pipeline} with another state of its source while this one cut its batches: run it again, or choose another pipeline name`,
        );
      return batches.reduce(appendBatch, current);
    });
  }
}

/** What a ledger without batches says, its revision aside. */
function contentOf({ settings, raw }: Ledger): unknown {
  return { settings, raw: raw.map(({ ref, columns, rows }) => ({ ref, columns, rows })) };
}

function appendBatch(ledger: Ledger, added: NewBatch): Ledger {
  const standing = ledger.batches[added.batch - 1];
  if (standing !== undefined) {
    if (standing.ref.sha256 === added.ref.sha256) return ledger;
    throw new DamagedArtifact(
      `batch ${added.batch} of ${ledger.pipeline} was cut anew with other bytes than the ledger holds: the cutting code has changed its output without a new code version`,
      { details: { ref: added.ref } },
    );
  }
  if (added.batch !== ledger.batches.length + 1)
    throw new DamagedArtifact(
      `batch ${added.batch} of ${ledger.pipeline} cannot follow batch ${ledger.batches.length}: cut the ones between first`,
    );
  const revision = ledger.revision + 1;
  return {
    ...ledger,
    revision,
    batches: [...ledger.batches, { ...added, revision, replaced: [] }],
  };
}

/** Batches 1..`last` as they stood at a revision of the ledger (now, unless one is given). */
export function batchesAt(
  ledger: Ledger,
  last: number,
  revision: number = ledger.revision,
): NewBatch[] {
  return ledger.batches.slice(0, last).map((entry) => {
    const older = entry.replaced.find((was) => was.revision <= revision && revision < was.until);
    const { rows, ref, raw, from } = older ?? entry;
    return { batch: entry.batch, rows, ref, raw, from };
  });
}

function noLedger(pipeline: string): DamagedArtifact {
  return new DamagedArtifact(
    `the ledger of ${pipeline} is missing from the store (${ledgerKey(pipeline)}): restore it from a backup`,
  );
}

export function ledgerKey(pipeline: string): string {
  return `ledgers/${pipeline}.json`;
}
