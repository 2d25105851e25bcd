import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refOfChunks } from '../store/hash.ts';
import { type Ref, at } from '../contract/ref.ts';
import { RAW } from '../contract/paths.ts';
import { openDvc } from './dvc/dvc.ts';
import { openFile, openIris } from './file.ts';
import { fileName, kindOf, sourceIdentity } from './identity.ts';
import { type Encoding, textOf } from './text.ts';
import { openS3 } from './s3.ts';
import type { OpenKind, OpenOptions, Stamp, SourceDeps } from './source.ts';
import { openUrl } from './http/url.ts';
import { BadParams, writeError } from '../contract/failures.ts';
import { withOwnFolder } from '../store/own-folder.ts';
import type { GetDataRequest } from '../contract/stages.ts';

/** A source's text on this machine. */
export interface Brought {
  /** Gone once the caller is done with it. */
  file: string;
  ref: Ref;
  stamp: Stamp;
}

/** The kinds of source that are one table; folders and prefixes hold many. */
const KINDS: Partial<Record<ReturnType<typeof kindOf>, OpenKind>> = {
  iris: openIris,
  file: openFile,
  url: openUrl,
  s3: openS3,
  dvc: openDvc,
};

/**
 * Brings a source's text to a file of this machine, as UTF-8, in memory that does not grow with it.
 * @param use is given the file, which is removed when it is done; undefined: the source is still in the
 *   state that is known
 * @throws SourceUnavailable or DiskFull when trying again can help, SourceRefused or BadData when it cannot
 */
export async function bringIn<T>(
  source: string,
  options: OpenOptions & { encoding: Encoding },
  use: (brought: Brought | undefined) => Promise<T>,
): Promise<T> {
  const openKind = KINDS[kindOf(source)];
  if (openKind === undefined)
    throw new BadParams(`data.source ${source} holds many files, where one table is asked for`);
  const opened = await openKind(source, options);
  if (opened === undefined) return use(undefined);
  try {
    return await withOwnFolder(tmpdir(), 'source', async (folder) => {
      const file = join(folder, 'text');
      const text = textOf(opened.chunks, {
        name: sourceIdentity(source).name,
        encoding: options.encoding,
        limit: options.limits.bytes,
      });
      const handle = await open(file, 'wx', 0o600);
      let ref: Ref;
      try {
        ref = await refOfChunks(`${RAW}/${fileName(source)}`, text, (chunk) =>
          handle.appendFile(chunk).catch((error: unknown) => {
            throw writeError(folder, error);
          }),
        );
      } finally {
        await handle.close();
      }
      return use({ file, ref, stamp: opened.stamp });
    });
  } finally {
    opened.close();
  }
}

/** A state of a source as it came into the store. */
export interface Fetched {
  ref: Ref;
  stamp: Stamp;
}

/**
 * Brings the raw data into the store, unless the client has uploaded it already.
 * @param options.known the state that is known: undefined comes back when the source is still in it
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export async function fetchSource(
  { store, root, sources }: SourceDeps,
  { params, source: uploaded, damaged }: GetDataRequest,
  { signal, known }: { signal: AbortSignal; known?: Stamp },
): Promise<Fetched | undefined> {
  const { source, encoding } = params.data;
  // What is uploaded gets its place from the source's name, not from what a caller says.
  if (uploaded !== null)
    return {
      ref: at(`${RAW}/${fileName(source)}`, uploaded),
      stamp: { etag: null, modified: null },
    };
  const place = { ...sources, root, confined: true, encoding, known, signal };
  return bringIn(source, place, async (brought) => {
    if (brought === undefined) return undefined;
    const { file, ref, stamp } = brought;
    const rewrite = damaged.length > 0;
    return { ref: await store.artifacts.putFile(ref.path, file, { known: ref, rewrite }), stamp };
  });
}
