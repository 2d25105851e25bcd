import { z } from 'zod';
import type { Bucket, PartsOptions, UploadWatch } from './bucket.ts';
import { createDocument, overwriteDocument, readDocument, type Shape } from './documents.ts';
import { hashOf } from './hash.ts';

const PREFIX = 'uploads/';

/** How often an upload under way says that it is. */
const RENEW_MS = 3_600_000;

/** One that has said nothing for a day has died with its process: no part takes as long. */
const DEAD_MS = 86_400_000;

const noteSchema = z.strictObject({
  schema: z.literal(1),
  /** Where the object was to stand. */
  key: z.string(),
  /** What S3 knows the upload by. */
  upload_id: z.string(),
  /** ISO 8601, UTC. */
  renewed_at: z.string(),
});

type Note = z.infer<typeof noteSchema>;

const NOTE: Shape<Note> = { schema: 1, shape: noteSchema, mend: 'delete it' };

/** An upload in parts that nobody goes on with; its parts take room, and no listing shows them. */
export interface Unfinished {
  /** Of the note that says so. */
  note: string;
  key: string;
  uploadId: string;
  renewedAt: Date;
}

/** Stores a file in parts; what a process that dies on the way leaves is found by `unfinishedUploads`. */
export async function storeInParts(
  bucket: Bucket,
  key: string,
  file: string,
  known: Omit<PartsOptions, 'watch'>,
): Promise<void> {
  await bucket.putParts(key, file, { ...known, watch: noteUpload(bucket, key) });
}

/**
 * Notes in the bucket, for as long as it takes, that this program uploads an object in parts. S3 keeps
 * the parts of an upload whose process has died for ever, and tells of no upload whose it is.
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

/** The uploads of this program, and no other's, that had died by a time. */
export async function unfinishedUploads(bucket: Bucket, by: Date): Promise<Unfinished[]> {
  const found: Unfinished[] = [];
  for await (const { key: note } of bucket.list(PREFIX)) {
    if (!NOTE_KEY.test(note)) continue;
    const standing = await readDocument(bucket, note, NOTE);
    if (standing === undefined) continue; // it has ended meanwhile
    const { key, upload_id: uploadId, renewed_at: renewed } = standing.value;
    const renewedAt = new Date(renewed);
    if (by.getTime() - renewedAt.getTime() > DEAD_MS)
      found.push({ note, key, uploadId, renewedAt });
  }
  return found;
}

const NOTE_KEY = /^uploads\/[0-9a-f]{64}\.json$/;

function noteKey({ key, upload_id: id }: Note): string {
  return `${PREFIX}${hashOf({ key, id })}.json`;
}
