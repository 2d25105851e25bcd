import type { Store } from '../store/index.ts';
import { staleVersions, type Stale } from '../store/stale.ts';

/** The versions of a pipeline that rest on batches amended since. */
export async function staleOf(
  { ledgers, records }: Pick<Store, 'ledgers' | 'records'>,
  pipeline: string,
): Promise<Stale[]> {
  const ledger = await ledgers.read(pipeline);
  if (ledger === undefined || ledger.amended.length === 0) return [];
  return staleVersions(ledger, await records.revisions(pipeline));
}

/** Why a version is stale, in words. */
export function staleness({ version, batches }: Stale): string {
  const which = batches.length === 1 ? `batch ${batches[0]}` : `batches ${batches.join(', ')}`;
  return `version ${version} is stale: ${which} amended since it was built`;
}
