import { existsSync } from 'node:fs';
import { openFolder } from '../../../sources/arrivals/folder.ts';
import { findChanged } from '../../../sources/arrivals/changed.ts';
import {
  describeFiles,
  selectLedger,
  selectNewFiles,
  walkNewFiles,
} from '../../../sources/arrivals/look.ts';
import type { Place } from '../../../sources/arrivals/place.ts';
import { openPrefix } from '../../../sources/arrivals/prefix.ts';
import { checkFile } from '../../../sources/arrivals/take-in.ts';
import { kindOf } from '../../../sources/identity.ts';
import type { Quarantined } from '../../../store/ledger/schema.ts';
import { rawOf } from '../../../store/ledger/ledger.ts';
import type { Arrived, ArrivedBatch, Looking } from './looking.ts';

/** The files of a folder or a prefix: first the known files, then the new ones that a run would take. */
export async function listArrivedFiles(looking: Looking): Promise<Arrived> {
  const { params, sources } = looking;
  const ledger = selectLedger(looking.ledger, params);
  const { source } = params.data;
  const known = (ledger?.arrivals ?? []).map(({ name }, i): ArrivedBatch => ({
    batch: i + 1,
    rows: ledger!.batches[i]?.rows ?? rawOf(ledger!, i + 1).rows,
    file: name,
    isNew: false,
  }));
  if (kindOf(source) === 'folder' && !existsSync(source))
    return {
      batches: known,
      waiting: 0,
      warnings: [`${source} is not on this machine: only what the ledger knows is listed`],
    };
  const place =
    kindOf(source) === 'folder'
      ? openFolder({ where: source, path: source })
      : openPrefix(source, sources.s3);
  return listNewFiles(place, known, { ...looking, ledger });
}

async function listNewFiles(
  place: Place,
  known: readonly ArrivedBatch[],
  { deps, ledger, params }: Looking,
): Promise<Arrived> {
  const { files, writing } = await place.list();
  const batches = [...known];
  const quarantined: Quarantined[] = [];
  const duplicates: string[] = [];
  const signal = new AbortController().signal;
  const changed =
    ledger === undefined ? [] : await findChanged(deps, ledger, files, { params, place, signal });
  const walked = walkNewFiles(
    { params, place, signal },
    selectNewFiles(files, ledger),
    ledger,
    (file, bytes, rules) => checkFile(deps, { file, bytes, signal, ...rules }),
  );
  for await (const seen of walked) {
    const { name } = seen.file;
    if (seen.state === 'writing') writing.push(name);
    else if (seen.state === 'quarantined') quarantined.push(seen.entry);
    else {
      const { taken, sameAs } = seen;
      batches.push({ batch: batches.length + 1, rows: taken.rows, file: name, isNew: true });
      if (sameAs !== undefined)
        duplicates.push(`${name} has the same bytes as ${sameAs.name}, batch ${sameAs.batch}`);
    }
  }
  const look = { writing, quarantined: [], changed };
  const warnings = [
    ...describeFiles(look, place.where, ledger?.pipeline),
    // All of them with their reasons, because other commands may refer to this one.
    ...quarantined.flatMap((entry) =>
      describeFiles({ ...NOTHING, quarantined: [entry] }, place.where, ledger?.pipeline),
    ),
    ...duplicates,
  ];
  return { batches, waiting: 0, warnings };
}

const NOTHING = { writing: [], quarantined: [], changed: [] };
