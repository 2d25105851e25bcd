import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { BadData, DamagedArtifact, messageOf, StorageUnavailable } from '../contract/failures.ts';
import type { Bucket, Condition } from './bucket.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { describeExpected } from '../contract/wrong-value.ts';
import { sha256 } from './hash.ts';

/** A small JSON document with a `schema` number. It is read whole and changed by compare-and-swap. */
export interface Document<T> {
  value: T;
  /** The ETag of exactly these bytes, for a compare-and-swap. */
  etag: string;
}

/** The current form of a kind of document, and how older forms are upgraded. */
export interface Shape<T> {
  /** The `schema` number this program writes. */
  schema: number;
  shape: z.ZodType<T>;
  /** By schema number of an older document: returns the document under the next number. */
  upgrades?: Record<number, (older: Record<string, unknown>) => Record<string, unknown>>;
  /** The most bytes of a document, so that one that was changed by hand cannot fill the memory; 16 MiB by default. */
  most?: number;
  /** How a person repairs a damaged document; "restore it from a backup" by default. */
  repair?: string;
}

const BACKUP = 'restore it from a backup';

/** JSON takes about six times its size in memory. */
export const MOST_DOCUMENT = 16 * 2 ** 20;

/** For documents that have a line for each batch or version. */
export const MOST_LISTING = 128 * 2 ** 20;

/** Tries before a document that others keep changing counts as unavailable. Each try waits a little longer. */
const SWAP_TRIES = 50;

/**
 * Reads the document at `key`.
 * @returns undefined when there is none.
 * @throws DamagedArtifact when it is not JSON of this shape, or was written by a newer version.
 */
export async function readDocument<T>(
  bucket: Bucket,
  key: string,
  shape: Shape<T>,
): Promise<Document<T> | undefined> {
  const stored = await bucket.get(key, shape.most ?? MOST_DOCUMENT);
  if (stored === undefined) return undefined;
  return { value: decodeDocument(key, stored.bytes, shape), etag: stored.etag };
}

/**
 * Writes the document if there is no object at `key`.
 * @returns whether it was written. If the answer to a first try was lost, its retry returns false.
 */
export async function createDocument(
  bucket: Bucket,
  key: string,
  value: unknown,
): Promise<boolean> {
  return (await write(bucket, key, value, { condition: { absent: true } })) !== undefined;
}

/** Overwrites the document at `key`. Use it only when all writers write the same value. */
export async function overwriteDocument(
  bucket: Bucket,
  key: string,
  value: unknown,
): Promise<void> {
  await write(bucket, key, value);
}

/**
 * Changes the document at `key` by compare-and-swap. `change` is given the current value (undefined if there
 * is none) and returns the new one, or the same value to leave the document as it is. It is called again each
 * time another writer was first. After a write whose answer was lost it is given its own value.
 * @throws StorageUnavailable when other writers were first too often
 */
export async function swapDocument<T>(
  bucket: Bucket,
  key: string,
  shape: Shape<T>,
  change: (current: T | undefined) => T | Promise<T>,
): Promise<T> {
  for (let attempt = 1; attempt <= SWAP_TRIES; attempt++) {
    const current = await readDocument(bucket, key, shape);
    const next = await change(current?.value);
    if (next === current?.value) return next;
    const condition = current === undefined ? { absent: true as const } : { etag: current.etag };
    if ((await write(bucket, key, next, { condition, most: shape.most })) !== undefined)
      return next;
    await sleep(Math.random() * Math.min(20 * attempt, 500));
  }
  throw new StorageUnavailable(
    `${key} was changed by others ${SWAP_TRIES} times while this process tried to change it: try again when fewer runs write to it`,
  );
}

async function write(
  bucket: Bucket,
  key: string,
  value: unknown,
  { condition, most = MOST_DOCUMENT }: { condition?: Condition; most?: number | undefined } = {},
): Promise<string | undefined> {
  const bytes = Buffer.from(canonicalJson(value));
  if (bytes.length > most)
    throw new BadData(
      `the document ${key} would have ${bytes.length} bytes, and it may have at most ${most}: start a new pipeline with larger batches or fewer columns`,
      { details: { key } },
    );
  return bucket.put(key, bytes, {
    sha256: sha256(bytes),
    contentType: 'application/json',
    ...(condition === undefined ? {} : { condition }),
  });
}

/**
 * Reads a document's bytes and upgrades them to the current schema.
 * @throws DamagedArtifact when they are not JSON of this shape, or, with `details.newer`, when a newer version
 *   of this program wrote them
 */
export function decodeDocument<T>(
  key: string,
  bytes: Uint8Array,
  { schema, shape, upgrades, repair = BACKUP }: Shape<T>,
): T {
  let json = parseJson(key, bytes, repair);
  let written = json?.['schema'];
  if (typeof written === 'number' && written > schema)
    throw new DamagedArtifact(
      `the stored document ${key} has schema ${written}, newer than this program knows (${schema}): update the program`,
      { details: { key, newer: true } },
    );
  while (typeof written === 'number' && upgrades?.[written] !== undefined) {
    json = { ...upgrades[written]!(json!), schema: written + 1 };
    written += 1;
  }
  const parsed = shape.safeParse(json, { error: describeExpected });
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new DamagedArtifact(
    `the stored document ${key} has been changed by hand or damaged (${path.join('.') || 'the document'}: ${message}): ${repair}`,
    { details: { key } },
  );
}

function parseJson(key: string, bytes: Uint8Array, repair: string): Record<string, unknown> | null {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown> | null;
  } catch (error) {
    throw new DamagedArtifact(
      `the stored document ${key} is not JSON (${messageOf(error)}): ${repair}`,
      { cause: error, details: { key } },
    );
  }
}
