import { createReadStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BadData, DamagedArtifact } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { digest, digestToFile } from './download.ts';
import { isSafePath } from '../contract/paths.ts';
import { storeInParts } from './unfinished-uploads.ts';

/** The list of a dump's objects: the file `objects.json` beside the objects' bytes. */
const dumpSchema = z.strictObject({
  schema: z.literal(1),
  bucket: z.string(),
  objects: z.array(
    z.strictObject({
      /** File of its bytes: `objects/000001`. */
      file: z.string().regex(/^objects\/\d+$/),
      key: z.string().refine(isSafePath),
      size: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      /** Whether it has the mark of this program. */
      ours: z.boolean(),
    }),
  ),
});

export type Dump = z.infer<typeof dumpSchema>;

/** Prefixes of documents. They change, and name other objects. All other objects never change. */
const DOCUMENTS = ['champions/', 'ledgers/', 'versions/', 'cache/', 'attempts/', 'leases/'];

/**
 * Writes every object of a bucket into a folder, while the bucket is in use. Documents are read first: the
 * objects that they name were stored before them, so they are in the dump too.
 * @param afterDocuments awaited before the other objects are read
 */
export async function dumpBucket(
  bucket: Bucket,
  folder: string,
  afterDocuments: () => Promise<void>,
): Promise<Dump> {
  await mkdir(join(folder, 'objects'), { recursive: true });
  const objects: Dump['objects'] = [];
  const dumpAll = async (wanted: (key: string) => boolean): Promise<void> => {
    for await (const { key } of bucket.list('')) {
      const dumped = wanted(key)
        ? await dumpObject(bucket, key, folder, objects.length)
        : undefined;
      if (dumped !== undefined) objects.push(dumped);
    }
  };
  await dumpAll(isDocument);
  await afterDocuments();
  await dumpAll((key) => !isDocument(key));
  const dump: Dump = { schema: 1, bucket: bucket.location.bucket, objects };
  await writeFile(join(folder, 'objects.json'), JSON.stringify(dump));
  return dump;
}

function isDocument(key: string): boolean {
  return DOCUMENTS.some((prefix) => key.startsWith(prefix));
}

async function dumpObject(
  bucket: Bucket,
  key: string,
  folder: string,
  number: number,
): Promise<Dump['objects'][number] | undefined> {
  const head = await bucket.head(key);
  if (head === undefined) return undefined; // it was removed after it was listed
  const file = `objects/${String(number).padStart(6, '0')}`;
  const object = { key, sha256: head.sha256 ?? '' };
  const found = await digestToFile(bucket, object, join(folder, file), 'a');
  return found === undefined ? undefined : { file, key, ...found, ours: head.ours };
}

/**
 * Reads the list of a dump's objects and checks the bytes of each.
 * @throws BadData when the folder holds no dump, DamagedArtifact when an object's bytes have changed
 */
export async function readDump(folder: string): Promise<Dump> {
  // Not bounded: dumpBucket writes a line for each object of the bucket.
  const text = await readFile(join(folder, 'objects.json'), 'utf8').catch(() => '');
  const parsed = dumpSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new BadData(
      'the backup holds no list of objects that this program knows: update it, or choose the file that "stack backup" wrote',
    );
  for (const { file, key, size, sha256 } of parsed.data.objects) {
    const found = await digest(createReadStream(join(folder, file))).catch(() => undefined);
    if (found?.sha256 !== sha256 || found.size !== size)
      throw new DamagedArtifact(`${key} in the backup is missing or damaged: take another backup`, {
        details: { key },
      });
  }
  return parsed.data;
}

/** Stores the objects of a checked dump in a bucket, documents last. */
export async function loadDump(bucket: Bucket, folder: string, { objects }: Dump): Promise<void> {
  await bucket.ensure();
  for (const { file, key, sha256, size, ours } of objects.toReversed()) {
    const path = join(folder, file);
    if (size > IN_MEMORY) {
      await storeInParts(bucket, key, path, { sha256, size, mark: ours });
      continue;
    }
    const contentType = key.endsWith('.json') ? { contentType: 'application/json' } : {};
    await bucket.put(key, await readFile(path), { sha256, mark: ours, ...contentType });
  }
}

/** Objects of at most this many bytes are stored by one request. */
const IN_MEMORY = 64 * 2 ** 20;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // then it is not a dump
  }
}
