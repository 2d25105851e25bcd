import { existsSync } from 'node:fs';
import { rawFiles } from '../../activities/arrivals/get-arrivals.ts';
import { isPlace } from '../../activities/arrivals/open-place.ts';
import { RAW_FILES } from '../../activities/paths.ts';
import { bringIn } from '../../activities/sources/bring.ts';
import { kindOf } from '../../activities/sources/identity.ts';
import type { SourcePlace } from '../../activities/sources/source.ts';
import { BadData } from '../../errors.ts';
import type { Params } from '../../pipeline/params.ts';
import { encodeDirectory } from '../../store/manifest.ts';
import type { Ledger } from '../../store/ledger.ts';
import type { Ref } from '../../store/ref.ts';

/**
 * What get_data would read: the raw data the ledger knows once a batch is cut, else the source itself,
 * as far as it is here.
 * @returns undefined for what is not here: the worker may have it, or reach it; and for a file that has
 *   yet to be seen in its folder
 * @throws BadData when the file is not the one the batches were cut from
 */
export async function sourceOf(
  data: Params['data'],
  ledger: Ledger | undefined,
  batch: number,
  sources: Pick<SourcePlace, 's3' | 'limits'>,
): Promise<Ref | undefined> {
  const { source } = data;
  if (isPlace(source))
    return ledger === undefined || ledger.arrivals.length < batch
      ? undefined
      : encodeDirectory(RAW_FILES, rawFiles(ledger, batch)).ref;
  const known =
    ledger === undefined || ledger.batches.length === 0 ? undefined : ledger.raw.at(-1)!.ref;
  const here = await readHere(data, known === undefined, sources);
  if (known !== undefined && here !== undefined && here.sha256 !== known.sha256)
    throw new BadData(
      `${source} has changed since the batches of ${ledger!.pipeline} were cut from it: put the old file back, or choose a new pipeline name with --pipeline`,
    );
  return known ?? here;
}

async function readHere(
  { source, encoding }: Params['data'],
  first: boolean,
  sources: Pick<SourcePlace, 's3' | 'limits'>,
): Promise<Ref | undefined> {
  const kind = kindOf(source);
  const here = kind === 'iris' ? first : kind === 'file' && existsSync(source);
  if (!here) return undefined;
  const place = { ...sources, root: process.cwd(), confined: false, encoding };
  return bringIn(source, place, async (brought) => brought?.ref);
}
