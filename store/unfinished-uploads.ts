import { z } from 'zod';
import type { Bucket, PartsOptions, UploadWatch } from './bucket.ts';
import { createDocument, overwriteDocument, readDocument, type Shape } from './documents.ts';
import { hashOf } from './hash.ts';

const PREFIX = 'uploads/';

/** How often an upload in progress renews its note. */
const RENEW_MS = 3_600_000;

/** An upload whose note is older than a day has died with its process: no part takes that long. */
const DEAD_MS = 86_400_000;

const noteSchema = z.strictObject({
  schema: z.literal(1),
  /** The key of the object. */
  key: z.string(),
  /** S3's ID of the upload. */
  upload_id: z.string(),
  /** ISO 8601, UTC. */
  renewed_at: z.string(),
});

type Note = z.infer<typeof noteSchema>;

const NOTE: Shape<Note> = { schema: 1, shape: noteSchema, repair: 'delete it' };

/** An upload in parts that no process continues. Its parts take space, and no listing shows them. */
export interface Unfinished {
  /** The key of its note. */
  note: string;
  key: string;
  uploadId: string;
  renewedAt: Date;
}

/** Stores a file in parts. If the process dies on the way, `unfinishedUploads` finds what it leaves. */
export async function storeInParts(
  bucket: Bucket,
  key: string,
  file: string,
  known: Omit<PartsOptions, 'watch'>,
): Promise<void> {
  await bucket.putParts(key, file, { ...known, watch: noteUpload(bucket, key) });
}

/**
 * Keeps a note in the bucket while this program uploads an object in parts. S3 keeps the parts of a dead upload
 * for ever, and does not say which program started it.
 */
export function noteUpload(bucket: Bucket, key: string): UploadWatch {
  let note: Note | undefined;
  return {
    begun: async (uploadId) => {
      note = { schema: 1, key, upload_id: uploadId, renewed_at: new Date().toISOString() };
      await createDocument(bucket, noteKey(note), note);
    },
    going: async () => {
      if (Date.now() - Date.parse(note!.renewed_at) < RENEW_MS) return;
      note = { ...note!, renewed_at: new Date().toISOString() };
      await overwriteDocument(bucket, noteKey(note), note);
    },
    ended: async () => bucket.delete(noteKey(note!)),
  };
}

/** Returns the uploads of this program that had died at the time `by`. Uploads of other programs are left out. */
export async function unfinishedUploads(bucket: Bucket, by: Date): Promise<Unfinished[]> {
  const unfinished: Unfinished[] = [];
  for await (const { key: note } of bucket.list(PREFIX)) {
    if (!NOTE_KEY.test(note)) continue;
    const found = await readDocument(bucket, note, NOTE);
    if (found === undefined) continue; // it has ended since it was listed
    const { key, upload_id: uploadId, renewed_at: renewed } = found.value;
    const renewedAt = new Date(renewed);
    if (by.getTime() - renewedAt.getTime() > DEAD_MS)
      unfinished.push({ note, key, uploadId, renewedAt });
  }
  return unfinished;
}

const NOTE_KEY = /^uploads\/[0-9a-f]{64}\.json$/;

function noteKey({ key, upload_id: id }: Note): string {
  return `${PREFIX}${hashOf({ key, id })}.json`;
}
