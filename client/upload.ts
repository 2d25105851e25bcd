import { existsSync } from 'node:fs';
import type { Params } from '../contract/params.ts';
import { withSourceText } from '../sources/source-text.ts';
import { sourceIdentity } from '../sources/identity.ts';
import type { Session } from './session.ts';
import { findNameFault, MOST_BYTES, type Place } from '../sources/arrivals/place.ts';
import { openFolder } from '../sources/arrivals/folder.ts';
import { RAW_FILES } from '../contract/paths.ts';
import { BadData } from '../contract/failures.ts';
import { refOf } from '../store/hash.ts';
import type { Store } from '../store/index.ts';
import { encodeDirectory } from '../store/manifest.ts';
import { withPath, type Ref } from '../contract/ref.ts';
import { say } from './print.ts';

/**
 * Uploads the files of a local folder as a directory, so that any worker can read them. Files that the ledger
 * knows are not uploaded again, unless `rewrite` says that the stored bytes cannot be trusted.
 * @throws BadData when the folder cannot be read
 */
export async function uploadFolder(
  store: Store,
  { pipeline, source, rewrite }: { pipeline: string; source: string; rewrite: boolean },
): Promise<Ref> {
  const place = openFolder({ where: source, path: source });
  const { files, writing } = await place.list();
  for (const name of writing)
    say(`${name} in ${source} is still being written: a later run reads it`, 'warning');
  const ledger = await store.ledgers.read(pipeline);
  const known = new Set(ledger?.raw.map(({ ref }) => ref.sha256));
  const refs: Ref[] = [];
  for (const file of files) {
    const bytes = await readOrWarn(place, source, file);
    if (bytes === undefined) continue;
    const ref = refOf(file.name, bytes);
    if (rewrite || !known.has(ref.sha256)) {
      await store.leases.holdUpload(pipeline, [ref]);
      await store.artifacts.put(`${RAW_FILES}${file.name}`, bytes, { rewrite });
    }
    refs.push(withPath(file.name, ref));
  }
  await store.leases.holdUpload(pipeline, [encodeDirectory(RAW_FILES, refs).ref]);
  return store.artifacts.putDirectory(RAW_FILES, refs);
}

/** Warns of a file that cannot be uploaded, and leaves it out. */
async function readOrWarn(
  place: Place,
  source: string,
  file: { name: string; size: number; stamp: string | null },
): Promise<Uint8Array | undefined> {
  try {
    const fault =
      findNameFault(file.name) ??
      (file.size > MOST_BYTES
        ? `it has ${file.size} bytes, and the limit is ${MOST_BYTES}: split it`
        : undefined);
    if (fault !== undefined) throw new BadData(fault);
    return await place.read(file);
  } catch (error) {
    if (!(error instanceof BadData)) throw error;
    say(`${JSON.stringify(file.name)} in ${source} is left out: ${error.message}`, 'warning');
    return undefined;
  }
}

/**
 * Uploads a local source (a file, a folder, the target of a .dvc file), so that any worker can run the batch.
 * @returns undefined when it is not on this machine: the worker may have it, or the ledger has its rows
 */
export async function upload(
  session: Session,
  { source, encoding }: Pick<Params['data'], 'source' | 'encoding'>,
  { pipeline, rewrite = false }: { pipeline: string; rewrite?: boolean },
): Promise<Ref | undefined> {
  const { kind } = sourceIdentity(source);
  if (kind === 'folder')
    return existsSync(source)
      ? uploadFolder(session.store, { pipeline, source, rewrite })
      : undefined;
  const here = kind === 'file' || kind === 'dvc';
  if (!here || !existsSync(source.replace(/^dvc:\/\//, ''))) return undefined;
  const { sources, scratch } = session.config;
  const place = { ...sources, scratch, root: process.cwd(), confined: false, encoding };
  return withSourceText(source, place, async (brought) => {
    const { file, ref } = brought!; // undefined only where a known state is given
    const { artifacts, leases } = session.store;
    await leases.holdUpload(pipeline, [ref]);
    // `rewrite` writes an object that is stored already, because its bytes may be damaged.
    return artifacts.putFile(ref.path, file, { known: ref, rewrite });
  });
}
