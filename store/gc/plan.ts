import { DamagedArtifact } from '../../contract/failures.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';
import type { ListedObject } from '../bucket.ts';
import type { Store } from '../index.ts';
import { inParallel } from '../parallel.ts';
import type { BuildOf } from '../version-record.ts';
import { type Keep, readRoots, refsIn } from './roots.ts';
import { Reach } from './reach.ts';
import { unfinishedUploads, type Unfinished } from '../unfinished-uploads.ts';

const AT_ONCE = 16;

/** An object to remove. */
export interface Garbage extends ListedObject {
  kind: Kind;
  /** The unfinished upload to abort first, if `key` is its note. */
  upload?: Unfinished;
}

/** What an object is, for the summary. */
export type Kind =
  | 'cache entries'
  | 'raw data'
  | 'batches'
  | 'merged data'
  | 'splits'
  | 'models'
  | 'metrics'
  | 'reports'
  | 'unfinished uploads'
  | 'other';

export interface GcPlan {
  /** Builds whose artifacts are removed. */
  give_up: BuildOf[];
  /** In the order of removal. */
  remove: Garbage[];
  /** Objects that no document names and that do not have our mark. They stay. */
  foreign: number;
  /** Objects, manifests and entries that are kept. */
  kept: number;
}

/**
 * Plans what can be removed now: everything of this program that no ledger, record or upload names. That means
 * cache entries and manifests, whose keys no other program writes, and objects with our mark: DVC users store
 * objects under the same names.
 * @throws DamagedArtifact when a document that may name objects cannot be read
 */
export async function planGc(store: Store, keep: Keep, started: Date): Promise<GcPlan> {
  const reach = new Reach(store.artifacts);
  // Listed before anything is read: objects that are written meanwhile are not in the lists, and stay.
  const [entries, manifests, objects] = await Promise.all([
    listed(store, 'cache/', ENTRY_KEY),
    listed(store, 'manifests/sha256/', MANIFEST_KEY),
    listed(store, 'files/md5/', OBJECT_KEY),
  ]);
  const roots = await readRoots(store, keep);
  await inParallel(roots.needed, AT_ONCE, (ref) => reach.add(ref, { needed: true }));
  await inParallel(roots.read, AT_ONCE, (ref) => reach.add(ref, { needed: false }));
  const remove = await entryGarbage(store, entries, roots.keys, reach);
  for (const ref of roots.givenUp) await nameAll(store, reach, ref);
  const loose = [...manifests, ...objects].filter(
    ({ key, modified }) => !reach.has(key) && modified <= started,
  );
  let foreign = 0;
  await inParallel(loose, AT_ONCE, async (object) => {
    const ours = MANIFEST_KEY.test(object.key) || (await store.bucket.head(object.key))?.ours;
    if (ours === true) remove.push({ ...object, kind: kindOf(reach.pathOf(object.key)) });
    else foreign += 1;
  });
  const all = entries.length + manifests.length + objects.length;
  const kept = all - remove.length - foreign;
  remove.push(...(await uploadGarbage(store, started)));
  return { give_up: roots.giveUp, remove, foreign, kept };
}

const ENTRY_KEY = /^cache\/[a-z_]+\/[0-9a-f]{2}\/[0-9a-f]{64}\.json$/;
const MANIFEST_KEY = /^manifests\/sha256\/[0-9a-f]{2}\/[0-9a-f]{62}$/;
const OBJECT_KEY = /^files\/md5\/[0-9a-f]{2}\/[0-9a-f]{30}(\.dir)?$/;

async function listed({ bucket }: Store, prefix: string, shape: RegExp): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const object of bucket.list(prefix)) if (shape.test(object.key)) found.push(object);
  return found;
}

/** Entries that no record names and that name artifacts which are not kept. They are removed first. */
async function entryGarbage(
  store: Store,
  entries: readonly ListedObject[],
  named: ReadonlySet<string>,
  reach: Reach,
): Promise<Garbage[]> {
  const garbage: Garbage[] = [];
  const kept: Promise<void>[] = [];
  await inParallel(entries, AT_ONCE, async (listedEntry) => {
    const [, stage = '', , name = ''] = listedEntry.key.split('/');
    const key = name.replace('.json', '');
    if (named.has(`${stage} ${key}`)) return;
    let entry;
    try {
      entry = await store.cache.read(stage, key);
    } catch (error) {
      if (!(error instanceof DamagedArtifact)) throw error;
      if (error.details['newer'] === true) throw error;
    }
    if (entry !== undefined && reach.covers(entry)) {
      const { counts } = entry.outputs;
      if (counts !== undefined) kept.push(reach.add(counts, { needed: false }));
      return;
    }
    for (const ref of refsIn(entry)) await nameAll(store, reach, ref);
    garbage.push({ ...listedEntry, kind: 'cache entries' });
  });
  await Promise.all(kept);
  return garbage;
}

/** Parts of large objects whose process died while it stored them. No listing shows them. */
async function uploadGarbage({ bucket }: Store, started: Date): Promise<Garbage[]> {
  const garbage: Garbage[] = [];
  await inParallel(await unfinishedUploads(bucket, started), AT_ONCE, async (upload) => {
    const { note: key, renewedAt: modified } = upload;
    const size = (await bucket.sizeOfUpload(upload.key, upload.uploadId)) ?? 0;
    garbage.push({ key, size, modified, kind: 'unfinished uploads', upload });
  });
  return garbage;
}

/** Notes the paths of a directory and its files, as far as the directory can be read. */
async function nameAll(store: Store, reach: Reach, ref: Ref): Promise<void> {
  reach.name(ref);
  if (!isDirectory(ref)) return;
  const files = await store.artifacts.list(ref).catch((error: unknown) => {
    if (error instanceof DamagedArtifact) return [];
    throw error;
  });
  for (const file of files) reach.name({ ...file, path: `${ref.path}${file.path}` });
}

const KINDS: [prefix: string, kind: Kind][] = [
  ['data/raw/', 'raw data'],
  ['data/batches/', 'batches'],
  ['data/merged/', 'merged data'],
  ['data/processed/', 'splits'],
  ['models/', 'models'],
  ['metrics/', 'metrics'],
  ['reports/', 'reports'],
];

function kindOf(path = ''): Kind {
  return KINDS.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'other';
}
