import type { Ledger } from '../../store/ledger/ledger.ts';
import type { Problem } from './problems.ts';

/** Something that no run makes again, and how it comes back. */
export interface Left {
  path: string;
  key: string;
  why: string;
}

/** What the ledger alone knows, and no run can make anew: a person must bring it. */
export function whatIsLeft(ledger: Ledger | undefined, problems: readonly Problem[]): Left[] {
  if (ledger === undefined) return [];
  return problems.flatMap(({ path, key, md5 }) => {
    const why = md5 === undefined ? undefined : reasonOf(ledger, md5);
    return why === undefined ? [] : [{ path, key, why }];
  });
}

function reasonOf({ pipeline, raw, amended, batches }: Ledger, md5: string): string | undefined {
  if (raw.some(({ ref }) => ref.md5 === md5)) return undefined; // its source may have it
  const amendments = amended.filter(({ ref }) => ref.md5 === md5);
  const now = amendments.find(({ batch, ref }) => batches[batch - 1]?.raw === ref.sha256);
  if (now !== undefined)
    return `batch ${now.batch} was amended from it: "amend ${now.batch} --source FILE --pipeline ${pipeline}", with the same file, puts it back`;
  if (batches.some(({ ref }) => ref.md5 === md5)) return undefined; // it is cut again
  const was = batches.find(({ replaced }) => replaced.some(({ ref }) => ref.md5 === md5));
  const batch = amendments.at(-1)?.batch ?? was?.batch;
  if (batch === undefined) return undefined;
  return `batch ${batch} was made of it before it was amended, and no run needs it any more: a backup alone has it`;
}
