import { existsSync } from 'node:fs';
import { openFolder } from '../../../sources/arrivals/folder.ts';
import { selectNewFiles, readFile } from '../../../sources/arrivals/look.ts';
import type { Place } from '../../../sources/arrivals/place.ts';
import { openPrefix } from '../../../sources/arrivals/prefix.ts';
import { findQuarantined } from '../../../sources/arrivals/quarantine.ts';
import { checkFile } from '../../../sources/arrivals/take-in.ts';
import { kindOf } from '../../../sources/identity.ts';
import { BadData, BadParams } from '../../../contract/failures.ts';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { rawOf } from '../../../store/ledger/ledger.ts';
import type { Arrived, ArrivedBatch, Looking } from './arrived.ts';

/** The files of a folder or a prefix: first the known files, then the new ones that a run would take. */
export async function listArrivedFiles(looking: Looking): Promise<Arrived> {
  const { ledger, params, sources } = looking;
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
  return listNewFiles(place, known, looking);
}

async function listNewFiles(
  place: Place,
  known: readonly ArrivedBatch[],
  { deps, ledger, params }: Looking,
): Promise<Arrived> {
  const { files, writing } = await place.list();
  const batches = [...known];
  const warnings = writing.map((name) => `${name} in ${place.where} is still being written`);
  let settings = ledger?.settings;
  const added: Column[] = [...(ledger?.added_columns ?? [])];
  for (const file of selectNewFiles(files, ledger)) {
    const still = findQuarantined(ledger, file, { settings, added, params });
    if (still !== undefined) {
      warnings.push(`${file.name} in ${place.where} cannot be used: ${still.reason}`);
      continue;
    }
    try {
      const bytes = await readFile(place, file);
      if (bytes === undefined) {
        warnings.push(`${file.name} in ${place.where} is still being written`);
        continue;
      }
      const signal = new AbortController().signal;
      const checked = await checkFile(deps, { file, bytes, settings, added, params, signal });
      settings = checked.settings;
      added.push(...checked.added);
      batches.push({
        batch: batches.length + 1,
        rows: checked.rows,
        file: file.name,
        isNew: true,
      });
    } catch (error) {
      if (!(error instanceof BadData || error instanceof BadParams)) throw error;
      warnings.push(`${file.name} in ${place.where} cannot be used: ${error.message}`);
    }
  }
  return { batches, waiting: 0, warnings };
}
