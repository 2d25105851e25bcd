import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { rawFiles } from '../../activities/arrivals/get-arrivals.ts';
import { isPlace } from '../../activities/arrivals/open-place.ts';
import { RAW, RAW_FILES } from '../../activities/paths.ts';
import { readIris } from '../../activities/source.ts';
import { BadData, messageOf } from '../../errors.ts';
import { refOf } from '../../store/hash.ts';
import { encodeDirectory } from '../../store/manifest.ts';
import type { Ledger } from '../../store/ledger.ts';
import type { Ref } from '../../store/ref.ts';

/**
 * What get_data would read: the raw data the ledger knows once a batch is cut, else the source itself,
 * as far as it is here.
 * @returns undefined for a file that is not here: the worker may have it; and for one that has yet to be
 *   seen in its folder
 * @throws BadData when the file is not the one the batches were cut from
 */
export async function sourceOf(
  source: string,
  ledger: Ledger | undefined,
  batch: number,
): Promise<Ref | undefined> {
  if (isPlace(source))
    return ledger === undefined || ledger.arrivals.length < batch
      ? undefined
      : encodeDirectory(RAW_FILES, rawFiles(ledger, batch)).ref;
  const known =
    ledger === undefined || ledger.batches.length === 0 ? undefined : ledger.raw.at(-1)!.ref;
  const here = source === 'iris' && known !== undefined ? undefined : await readHere(source);
  if (known !== undefined && here !== undefined && here.sha256 !== known.sha256)
    throw new BadData(
      `${source} has changed since the batches of ${ledger!.pipeline} were cut from it: put the old file back, or choose a new pipeline name with --pipeline`,
    );
  return known ?? here;
}

async function readHere(source: string): Promise<Ref | undefined> {
  if (source === 'iris') return refOf(`${RAW}/iris.csv`, await readIris());
  try {
    return refOf(`${RAW}/${basename(source)}`, await readFile(source));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BadData(
      `data.source ${source} cannot be read (${messageOf(error)}): check the path`,
      { cause: error },
    );
  }
}
