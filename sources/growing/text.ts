import type { Ref } from '../../contract/ref.ts';
import { at } from '../../contract/ref.ts';
import { hasState, type Ledger } from '../../store/ledger/ledger.ts';
import type { Params } from '../../contract/params.ts';
import { localFile } from '../../store/scratch.ts';
import { RAW } from '../../contract/paths.ts';
import { bringIn, type Brought } from '../bring.ts';
import { fileName, kindOf } from '../identity.ts';
import type { Stamp, SourceDeps } from '../source.ts';

/** Whether rows may still come to the table that `data.source` names: the built-in one is closed. */
export function mayGrow(source: string): boolean {
  return ['file', 'url', 's3', 'dvc'].includes(kindOf(source));
}

/** What the source was called in the state known last. */
export function lastStamp({ raw }: Ledger): Stamp {
  const { etag, last_modified: modified = null } = raw.at(-1)!;
  return { etag, modified };
}

/**
 * The text of a table as it is now, on this machine: what the client has uploaded, else what the source
 * holds.
 * @param use is given undefined when that is a state the ledger has: nothing is fetched then
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export async function withText<T>(
  deps: Pick<SourceDeps, 'store' | 'local' | 'root' | 'sources'>,
  ledger: Ledger,
  asked: { params: Params; source: Ref | null; signal: AbortSignal },
  use: (text: Brought | undefined) => Promise<T>,
): Promise<T> {
  const { params, source: uploaded, signal } = asked;
  const { source, encoding } = params.data;
  if (uploaded === null) {
    const known = lastStamp(ledger);
    const place = { ...deps.sources, root: deps.root, confined: true, encoding, known, signal };
    return bringIn(source, place, use);
  }
  if (hasState(ledger, uploaded)) return use(undefined);
  const ref = at(`${RAW}/${fileName(source)}`, uploaded);
  const file = await localFile(deps, ref);
  return use({ file, ref, stamp: { etag: null, modified: null } });
}
