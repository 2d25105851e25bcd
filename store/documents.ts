import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { DamagedArtifact, messageOf, StorageUnavailable } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { sha256 } from './hash.ts';

/** A small JSON document with a `schema` number, read whole and moved by compare-and-swap. */
export interface Document<T> {
  value: T;
  /** Names exactly these bytes; what a compare-and-swap is against. */
  etag: string;
}

/** What a kind of document looks like now, and how older ones become it. */
export interface Shape<T> {
  /** The `schema` number this program writes. */
  schema: number;
  shape: z.ZodType<T>;
  /** By the number an older document carries: what it is under the next. */
  upgrades?: Record<number, (older: Record<string, unknown>) => Record<string, unknown>>;
  /** What a person does about one that is damaged; a backup alone helps unless this says more. */
  mend?: string;
}

const BACKUP = 'restore it from a backup';

/** Tries before a document under contention is called unavailable; each waits a little longer. */
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
  const stored = await bucket.get(key);
  if (stored === undefined) return undefined;
  return { value: decodeDocument(key, stored.bytes, shape), etag: stored.etag };
}

/**
 * Writes the document if nothing stands at `key`.
 * @returns whether it was written; false also when an identical retry came first.
 */
export async function createDocument(
  bucket: Bucket,
  key: string,
  value: unknown,
): Promise<boolean> {
  return (await write(bucket, key, value, { absent: true })) !== undefined;
}

/** Writes the document whatever stands at `key`: only for documents that any writer would write the same. */
export async function overwriteDocument(
  bucket: Bucket,
  key: string,
  value: unknown,
): Promise<void> {
  await write(bucket, key, value, undefined);
}

/**
 * Changes the document at `key` by compare-and-swap until it holds. `change` sees what stands there
 * now (undefined: nothing) and returns what should, or the same value to leave it; it is called again
 * whenever another writer came first, and after a write whose answer was lost it sees its own.
 * @throws StorageUnavailable when other writers came first too often.
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
    if ((await write(bucket, key, next, condition)) !== undefined) return next;
    await sleep(Math.random() * Math.min(20 * attempt, 500));
  }
  throw new StorageUnavailable(
    `${key} was changed by others ${SWAP_TRIES} times while we tried to change it: try again when fewer runs write to it`,
  );
}

async function write(
  bucket: Bucket,
  key: string,
  value: unknown,
  condition: { absent: true } | { etag: string } | undefined,
): Promise<string | undefined> {
  const bytes = Buffer.from(canonicalJson(value));
  return bucket.put(key, bytes, {
    sha256: sha256(bytes),
    contentType: 'application/json',
    ...(condition === undefined ? {} : { condition }),
  });
}

/**
 * Reads a document's bytes, brought up to the schema of this program.
 * @throws DamagedArtifact when they are not JSON of this shape, or, with `details.newer`, were written by a
 *   newer version.
 */
export function decodeDocument<T>(
  key: string,
  bytes: Uint8Array,
  { schema, shape, upgrades, mend = BACKUP }: Shape<T>,
): T {
  let json = parseJson(key, bytes, mend);
  let written = json?.['schema'];
  if (typeof written === 'number' && written > schema)
    throw new DamagedArtifact(
      `the stored document ${key} has schema ${written}, newer than this program knows (${schema}): update the program`,
      { details: { key, newer: true } },
    );
  while (typeof written === 'number' && written < schema) {
    const upgrade = upgrades?.[written];
    if (upgrade === undefined) break;
    written += 1;
    json = { ...upgrade(json!), schema: written };
  }
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new DamagedArtifact(
    `the stored document ${key} has been changed by hand or damaged (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}): ${mend}`,
    { details: { key } },
  );
}

function parseJson(key: string, bytes: Uint8Array, mend: string): Record<string, unknown> | null {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown> | null;
  } catch (error) {
    throw new DamagedArtifact(
      `the stored document ${key} is not JSON (${messageOf(error)}): ${mend}`,
      { cause: error, details: { key } },
    );
  }
}
