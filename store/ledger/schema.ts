import { z } from 'zod';
import { columnType } from '../../contract/params.ts';
import type { Shape } from '../documents.ts';
import { refSchema } from '../../contract/ref.ts';

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
  columns: z.array(z.strictObject({ name: z.string(), type: columnType })),
  /** Those of them that were declared and not found; a ledger of before this was kept has none. */
  declared: z.record(z.string(), columnType).optional(),
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
  /** Its first place in the order of that raw data, from 0; null when it is the whole of it. */
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

const quarantinedSchema = z.strictObject({
  name: z.string(),
  stamp: z.string().nullable(),
  /** Bytes. */
  size: z.int(),
  /** Null for a file that cannot be read at all. */
  sha256: z.string().nullable(),
  /** A sentence. */
  reason: z.string(),
  /** ISO 8601, UTC. */
  seen_at: z.string(),
  /** Names what it was judged by, to see without reading it that it would be so again; null: not known. */
  rules: z.string().nullable().default(null),
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
        /** The date it gave that state, as it wrote it. */
        last_modified: z.string().nullable().optional(),
        /**
         * The batches that were cut before it came: of a table that grows, a later state holds the rows that
         * were in none of them, and then those that are new.
         */
        after: z.int().min(0).default(0),
        /** The text of the whole table in this state; null: `ref` is the whole of it. */
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
        /** What its place said of this state of it, to see a change without reading it; null: nothing. */
        stamp: z.string().nullable(),
        /** SHA-256 of its bytes, which stand under `raw`. */
        raw: z.string(),
        revision: z.int(),
        /** ISO 8601, UTC. */
        seen_at: z.string(),
      }),
    )
    .default([]),
  /** Columns that a file brought which those before it lack, where the contract takes them in. */
  added_columns: z
    .array(
      z.strictObject({
        name: z.string(),
        type: columnType,
        /** The batch that brought it. */
        since: z.int().min(2),
      }),
    )
    .default([]),
  /** Files of such a place that cannot be used as they are, in the order of their names. */
  quarantined: z.array(quarantinedSchema).default([]),
  /** What batches were amended from, newest last. */
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
/** Raw data that is the whole of its source, before it is entered. */
export type NewRaw = Omit<RawEntry, 'revision' | 'after' | 'whole'>;
export type Quarantined = Ledger['quarantined'][number];
export type NewBatch = Pick<LedgerBatch, 'batch' | 'rows' | 'ref' | 'raw' | 'from'>;
