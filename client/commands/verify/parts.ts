import { DamagedArtifact } from '../../../contract/failures.ts';
import type { Ref } from '../../../contract/ref.ts';
import { findStage, STAGES, STEPS } from '../../../contract/stages.ts';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { partColumns, readColumns } from '../../../store/columns-file.ts';
import { isSoundEntry } from '../../../store/record-check.ts';
import {
  entryKey,
  stageKey,
  type CacheEntry,
  type StageIdentity,
} from '../../../store/stage-cache.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import type { Store } from '../../../store/index.ts';
import type { Ledger } from '../../../store/ledger/ledger.ts';
import type { Inventory } from './files.ts';
import { CACHE_ENTRY, makeFault, ignoreDamaged, type Fault, type Problems } from './problems.ts';

/** The state that all steps of a verification share. */
export interface Verification {
  store: Store;
  pipeline: string;
  /** Undefined where it is missing or damaged, which is in the problems already. */
  ledger: Ledger | undefined;
  inventory: Inventory;
  problems: Problems;
  /** The columns that versions know, by hash; undefined where they cannot be read. */
  columns: Map<string, Promise<Column[] | undefined>>;
  /** The entries of encoded batches that have been read, by key. */
  parts: Map<string, Promise<CheckedPart>>;
  /** Versions that gc did not keep: nothing of them is read. */
  notKept: number[];
  /** The versions whose pointers have no SHA-256 of the record. */
  unhashed: number[];
}

/** The faults of a part's cache entry, and the counts it names where it has none. */
export interface CheckedPart {
  faults: Fault[];
  counts?: Ref | undefined;
}

/** The files of the directories that preprocess read and made. A directory that cannot be read is empty. */
export interface SplitFiles {
  batches: readonly Ref[];
  train: readonly Ref[];
  test: readonly Ref[];
}

/**
 * Reads the cache entries of the encoded batches. No record names them: their keys are computed from the inputs
 * and params of preprocess. The counts in these entries are in no directory, so they are added to the inventory.
 */
export async function checkParts(
  verification: Verification,
  record: VersionRecord,
  { batches, train, test }: SplitFiles,
): Promise<Fault[]> {
  const stage = findStage(record.stages, 'preprocess');
  const columns = stage?.inputs.columns;
  // This program does not know the keys of another one.
  if (stage === undefined || columns === undefined || stage.code !== STAGES.preprocess.code)
    return [];
  const known = await readKnownColumns(verification, columns);
  if (known === undefined) return []; // it is reported with the inventory
  const checked = batches.map(async (batch, i) => {
    const made = { batch: i + 1, train: train[i], test: test[i] };
    const { ref } = partColumns(columns, known, made.batch);
    const key = stageKey(makePartIdentity(stage, { number: made.batch, batch, columns: ref }));
    // The same for every version: each is read once.
    const reading = verification.parts.get(key) ?? readPart(verification, key, made);
    verification.parts.set(key, reading);
    const { faults, counts } = await reading;
    // A run that makes the part again makes its counts too.
    if (counts !== undefined) verification.inventory.add(counts, record.version, findMd5(made));
    return faults;
  });
  return (await Promise.all(checked)).flat();
}

/**
 * The identity of the part of a batch. It is made from the recorded params of preprocess, because a record of an
 * earlier program can have fewer params.
 */
function makePartIdentity(
  { params, libraries }: Pick<StageIdentity, 'params' | 'libraries'>,
  { number, batch, columns }: { number: number; batch: Ref; columns: Ref },
): StageIdentity {
  const { code, libraries: shaping } = STEPS.encode_part;
  // The params of preprocess are those of its parts, and two more.
  const { preprocess: _, on_new_category: __, ...own } = params;
  return {
    stage: 'encode_part',
    batch: number,
    code,
    params: own,
    libraries: Object.fromEntries(shaping.map((name) => [name, libraries[name]!])),
    inputs: { batch, columns },
  };
}

/** The content of a columns artifact, read once even if several versions have it. */
async function readKnownColumns(
  verification: Verification,
  ref: Ref,
): Promise<Column[] | undefined> {
  const reading =
    verification.columns.get(ref.sha256) ?? readColumns(verification, ref).catch(ignoreDamaged);
  verification.columns.set(ref.sha256, reading);
  return reading;
}

/** The part of a batch in the splits; a side is undefined where its directory cannot be read. */
interface MadePart {
  batch: number;
  train: Ref | undefined;
  test: Ref | undefined;
}

function findMd5({ train, test }: MadePart): string | undefined {
  return (train ?? test)?.md5;
}

async function readPart(
  { store }: Verification,
  key: string,
  made: MadePart,
): Promise<CheckedPart> {
  const path = `${CACHE_ENTRY}encode_part ${made.batch}`;
  const md5 = findMd5(made);
  const at = { path, key: entryKey('encode_part', key), ...(md5 === undefined ? {} : { md5 }) };
  const damaged = (why: string): CheckedPart => ({ faults: [{ state: 'damaged', ...at, why }] });
  let entry: CacheEntry | undefined;
  try {
    entry = await store.cache.read('encode_part', key);
  } catch (error) {
    if (error instanceof DamagedArtifact) return damaged(makeFault(path, error).why);
    throw error;
  }
  if (entry === undefined)
    return { faults: [{ state: 'missing', ...at, why: 'the document is not there' }] };
  if (entry.key !== key || !isSoundEntry(entry))
    return damaged('its key is not the hash of its content');
  const { train, test, counts } = entry.outputs;
  const others = [
    [made.train, train],
    [made.test, test],
  ].some(([is, says]) => is !== undefined && is.sha256 !== says?.sha256);
  return others ? damaged('its parts are not those of the splits') : { faults: [], counts };
}
