import { existsSync } from 'node:fs';
import { rawFiles } from '../../sources/arrivals/batch-files.ts';
import { isPlace } from '../../sources/arrivals/open-place.ts';
import { looksAgain } from '../../sources/append-only/look.ts';
import { RAW_FILES } from '../../contract/paths.ts';
import { bringIn } from '../../sources/source-text.ts';
import { kindOf } from '../../sources/identity.ts';
import type { SourcePlace } from '../../sources/source.ts';
import type { Params } from '../../contract/params.ts';
import { encodeDirectory } from '../../store/manifest.ts';
import { tableOf, type Ledger } from '../../store/ledger/ledger.ts';
import type { Input } from './stage-plan.ts';
import type { Ref } from '../../contract/ref.ts';

/**
 * What get_data would read: the raw data the ledger knows once a batch is cut, else the source itself, as
 * far as it is here.
 * @returns a reason where that cannot be known: the worker may have it, or reach it; it looks at the source
 *   again; or a file has yet to be seen in its folder
 */
export async function sourceOf(
  data: Params['data'],
  ledger: Ledger | undefined,
  batch: number,
  sources: Pick<SourcePlace, 's3' | 'limits'>,
): Promise<Input> {
  const { source } = data;
  const unknown: Input = { kind: 'unknown', name: source };
  if (isPlace(source))
    return ledger === undefined || ledger.arrivals.length < batch
      ? unknown
      : encodeDirectory(RAW_FILES, rawFiles(ledger, batch)).ref;
  if (ledger === undefined || ledger.batches.length === 0)
    return (await readHere(data, sources)) ?? unknown;
  if (looksAgain(ledger, source, { batch, cache: 'use' })) return { kind: 'looks', name: source };
  return tableOf(ledger, batch).ref;
}

async function readHere(
  { source, encoding }: Params['data'],
  sources: Pick<SourcePlace, 's3' | 'limits'>,
): Promise<Ref | undefined> {
  const kind = kindOf(source);
  if (kind !== 'iris' && !(kind === 'file' && existsSync(source))) return undefined;
  const place = { ...sources, root: process.cwd(), confined: false, encoding };
  return bringIn(source, place, async (brought) => brought?.ref);
}
