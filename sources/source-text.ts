import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { refOfChunks } from '../store/hash.ts';
import { type Ref, withPath } from '../contract/ref.ts';
import { RAW } from '../contract/paths.ts';
import { openDvc } from './dvc/dvc.ts';
import { openFile, openIris } from './file.ts';
import { fileName, kindOf, sourceIdentity } from './identity.ts';
import { type Encoding, readText } from './text.ts';
import { openS3 } from './s3.ts';
import type { OpenKind, OpenOptions, Stamp, SourceDeps } from './source.ts';
import { openUrl } from './http/url.ts';
import { BadParams, writeError } from '../contract/failures.ts';
import { withOwnFolder } from '../store/own-folder.ts';
import type { GetDataRequest } from '../contract/stages.ts';

/** A source's text, as a file of this machine. */
export interface SourceText {
  /** Removed after use. */
  file: string;
  ref: Ref;
  stamp: Stamp;
}

/** The kinds of source that are one table. Folders and prefixes hold many files. */
const KINDS: Partial<Record<ReturnType<typeof kindOf>, OpenKind>> = {
  iris: openIris,
  file: openFile,
  url: openUrl,
  s3: openS3,
  dvc: openDvc,
};

/**
 * Fetches a source's text as UTF-8 into a temporary file. Memory does not grow with the text.
 * @param use receives the file, which is removed afterwards, or undefined when the source is in the known state
 * @throws SourceUnavailable or DiskFull when trying again can help, SourceRefused or BadData when it cannot
 */
export async function withSourceText<T>(
  source: string,
  options: OpenOptions & { encoding: Encoding },
  use: (text: SourceText | undefined) => Promise<T>,
): Promise<T> {
  const openKind = KINDS[kindOf(source)];
  if (openKind === undefined)
    throw new BadParams(
      `data.source ${source} holds many files, and this command reads one table: give the path of a file`,
    );
  const opened = await openKind(source, options);
  if (opened === undefined) return use(undefined);
  try {
    return await withOwnFolder(options.scratch, 'source', async (folder) => {
      const file = join(folder, 'text');
      const text = readText(opened.chunks, {
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

/** A state of a source in the store. */
export interface Fetched {
  ref: Ref;
  stamp: Stamp;
}

/**
 * Stores the raw data, unless the client has uploaded it already.
 * @param options.known the known state
 * @returns undefined when the source is still in the known state
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export async function fetchSource(
  { store, root, scratch, sources }: SourceDeps,
  { params, source: uploaded, damaged }: GetDataRequest,
  { signal, known }: { signal: AbortSignal; known?: Stamp },
): Promise<Fetched | undefined> {
  const { source, encoding, source_secret_env: secretEnv } = params.data;
  // The path is computed from the source's name. The path that the caller gives is not used.
  if (uploaded !== null)
    return {
      ref: withPath(`${RAW}/${fileName(source)}`, uploaded),
      stamp: { etag: null, modified: null },
    };
  const reader = { ...sources, root, scratch, confined: true, signal };
  const place = { ...reader, encoding, known, secretEnv };
  return withSourceText(source, place, async (text) => {
    if (text === undefined) return undefined;
    const { file, ref, stamp } = text;
    const rewrite = damaged.length > 0;
    return { ref: await store.artifacts.putFile(ref.path, file, { known: ref, rewrite }), stamp };
  });
}
