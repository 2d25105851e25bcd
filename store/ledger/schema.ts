import { z } from 'zod';
import { DECIMALS, THOUSANDS } from '../../contract/defaults.ts';
import { columnType } from '../../contract/params.ts';
import { MOST_LISTING, type Shape } from '../documents.ts';
import { refSchema } from '../../contract/ref.ts';

/** The settings that are frozen once a batch is cut. */
const settingsSchema = z.strictObject({
  source: z.strictObject({
    kind: z.enum(['iris', 'file', 'url', 's3', 'dvc', 'folder', 'prefix']),
    name: z.string(),
  }),
  /** True for a folder or a prefix. Stored ledgers have this field, and nothing reads it. */
  grows: z.boolean(),
  /** How its text is read. */
  delimiter: z.string().length(1),
  encoding: z.enum(['utf-8', 'latin1']),
  target: z.string(),
  columns: z.array(
    z.strictObject({
      name: z.string(),
      type: columnType,
      /** It is ignored because no cell was known: a later file may decide its type. */
      open: z.literal(true).optional(),
    }),
  ),
  /** The types that were declared in the params, not found. Older ledgers do not have this field. */
  declared: z.record(z.string(), columnType).optional(),
  missing_values: z.array(z.string()),
  decimal: z.enum(DECIMALS),
  thousands: z.enum(THOUSANDS).nullable(),
  batch_size: z.int(),
  shuffle_seed: z.int().nullable(),
  split_key: z.array(z.string()).nullable(),
  /** The column by whose times the rows of a batch are split; null where a hash decides. */
  split_time: z.string().nullable(),
});

const batchSchema = z.strictObject({
  batch: z.int().min(1),
  /** The ledger revision that added these rows. */
  revision: z.int(),
  rows: z.int(),
  ref: refSchema,
  /** SHA-256 of the raw data it was cut from. */
  raw: z.string(),
  /** The position of its first row in the order of that raw data, from 0; null when it is all of it. */
  from: z.int().nullable(),
  /** Batches that this one replaced, newest first. Each was valid from `revision` until before `until`. */
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

const quarantinedSchema = z.strictObject({
  name: z.string(),
  stamp: z.string().nullable(),
  /** Bytes. */
  size: z.int(),
  /** Null for a file that cannot be read. */
  sha256: z.string().nullable(),
  /** A sentence. */
  reason: z.string(),
  /** ISO 8601, UTC. */
  seen_at: z.string(),
  /** A hash of the rules that rejected it. With the same rules it is not read again. Null when not known. */
  rules: z.string().nullable().default(null),
});

const ledgerSchema = z.strictObject({
  schema: z.literal(4),
  pipeline: z.string(),
  /** Grows by one with every change; any earlier revision can be read back from this document. */
  revision: z.int().min(1),
  settings: settingsSchema,
  /**
   * `data.source` of the run that opened the ledger, as written in its params; null when not known. Later runs read
   * it from there.
   */
  location: z.string().nullable().default(null),
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
        /** The ETag that a web server gave this state of the source, if any. */
        etag: z.string().nullable(),
        /** The date it gave that state, as it wrote it. */
        last_modified: z.string().nullable().optional(),
        /**
         * The number of batches that were cut before it arrived. A later state of an append-only table holds the
         * rows that are in none of them, and then the new rows.
         */
        after: z.int().min(0).default(0),
        /** The text of the whole table in this state; null when `ref` is the whole table. */
        whole: z
          .strictObject({ size: z.int().min(0), sha256: z.string(), rows: z.int() })
          .nullable()
          .default(null),
      }),
    )
    .min(1),
  batches: z.array(batchSchema),
  /** Files of a folder or a prefix in the order they were first seen: the N-th is batch N. */
  arrivals: z
    .array(
      z.strictObject({
        name: z.string(),
        /** Changes when the file changes, so an unchanged file is not read again. Null when not known. */
        stamp: z.string().nullable(),
        /** SHA-256 of its bytes; an entry of the ledger's `raw` has the same. */
        raw: z.string(),
        revision: z.int(),
        /** ISO 8601, UTC. */
        seen_at: z.string(),
      }),
    )
    .default([]),
  /** Columns that a file has and the files before it do not, if the contract accepts them. */
  added_columns: z
    .array(
      z.strictObject({
        name: z.string(),
        type: columnType,
        /** The first batch that has it. */
        since: z.int().min(2),
      }),
    )
    .default([]),
  /** Files of the folder or prefix that cannot be used as they are, in the order of their names. */
  quarantined: z.array(quarantinedSchema).default([]),
  /** The files that batches were amended with, newest last. */
  amended: z
    .array(
      z.strictObject({
        revision: z.int(),
        batch: z.int().min(1),
        ref: refSchema,
        columns: refSchema,
        rows: z.int(),
        /** ISO 8601, UTC. */
        fetched_at: z.string(),
      }),
    )
    .default([]),
});

export const LEDGER: Shape<z.infer<typeof ledgerSchema>> = {
  schema: 4,
  shape: ledgerSchema,
  most: MOST_LISTING,
  upgrades: { 1: upgradeFrom1, 2: upgradeFrom2, 3: upgradeFrom3 },
};

/** Before schema 2 a source was the built-in data set or one closed file, comma-separated UTF-8. */
function upgradeFrom1(older: Record<string, unknown>): Record<string, unknown> {
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

/**
 * Before schema 3 a number had a decimal point, and a column in which nothing was known was ignored for ever. Every
 * type counts as declared, because this program would infer some types differently.
 */
function upgradeFrom2(older: Record<string, unknown>): Record<string, unknown> {
  const { declared: _, ...settings } = older['settings'] as Record<string, unknown>;
  return { ...older, schema: 3, settings: { ...settings, decimal: '.', thousands: null } };
}

/** Before schema 4 rows were split by a hash alone. */
function upgradeFrom3(older: Record<string, unknown>): Record<string, unknown> {
  return { ...older, settings: { ...(older['settings'] as object), split_time: null } };
}

export type Settings = z.infer<typeof settingsSchema>;
export type LedgerBatch = z.infer<typeof batchSchema>;
export type Ledger = z.infer<typeof ledgerSchema>;
export type RawEntry = Ledger['raw'][number];
/** Raw data that is the whole of its source, before it is entered. */
export type NewRaw = Omit<RawEntry, 'revision' | 'after' | 'whole'>;
export type Quarantined = Ledger['quarantined'][number];
export type NewBatch = Pick<LedgerBatch, 'batch' | 'rows' | 'ref' | 'raw' | 'from'>;
