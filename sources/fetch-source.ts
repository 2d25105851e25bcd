import { at, type Ref } from '../contract/ref.ts';
import type { GetDataRequest } from '../contract/stages.ts';
import { RAW } from '../contract/paths.ts';
import { bringIn } from './bring.ts';
import { fileName } from './identity.ts';
import type { Stamp, SourceDeps } from './source.ts';

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
