import { openMeter } from '../../meter.ts';
import { DamagedArtifact, MissingHistory } from '../../../contract/failures.ts';
import { isDirectory, type Ref } from '../../../contract/ref.ts';
import { findStage, listOwnInputs } from '../../../contract/stages.ts';
import { makeNoVersionError } from '../../../contract/versions.ts';
import type { Store } from '../../../store/index.ts';
import {
  ledgerKey,
  refsOf,
  type Ledger,
  batchesAt,
  rawNamed,
} from '../../../store/ledger/ledger.ts';
import { flattenMetrics, readMetrics } from '../../../store/metrics-file.ts';
import { inParallel } from '../../../store/parallel.ts';
import { entryFaults, isSoundEntry, recordFaults } from '../../../store/record-check.ts';
import type { FoundRecord } from '../../../store/records.ts';
import { entryKey } from '../../../store/stage-cache.ts';
import { makeIndexKey, isLineOf, type VersionLine } from '../../../store/version-index.ts';
import { latestKey, recordKey, type VersionRecord } from '../../../store/version-record.ts';
import { verifyChampion } from './champion.ts';
import { Inventory, readObjects, checkDirectory } from './files.ts';
import { checkParts, type Verification } from './parts.ts';
import {
  CACHE_ENTRY,
  INDEX_LINE,
  makeFault,
  LEDGER,
  Problems,
  RECORD,
  type Fault,
  type Problem,
} from './problems.ts';

/** The result of a verification. */
export interface Verified {
  pipeline: string;
  versions: number[];
  /** The versions among them that gc did not keep; nothing of them is read. */
  notKept: number[];
  /** The versions whose records are sound, and whose pointers an earlier program wrote, without their SHA-256. */
  unhashed: number[];
  /** Files read, each once, and their bytes. */
  objects: number;
  bytes: number;
  durationMs: number;
  problems: Problem[];
}

/** How many versions' documents are read at once. */
const VERSIONS_AT_ONCE = 4;

/** Reads the documents of the versions asked for, then every file they name, each once. */
export async function verifyVersions(
  store: Store,
  { pipeline, version }: { pipeline: string; version: number | undefined },
): Promise<Verified> {
  const started = Date.now();
  const lines = new Map((await store.records.list(pipeline)).map((line) => [line.version, line]));
  const versions = version === undefined ? [...lines.keys()] : [version];
  if (versions.length === 0) throw makeNoVersionError(pipeline);
  const [inventory, problems] = [new Inventory(), new Problems()];
  const ledger = await readLedger(store, pipeline, problems, versions);
  const [notKept, unhashed]: [number[], number[]] = [[], []];
  const verification: Verification = {
    store,
    pipeline,
    ledger,
    inventory,
    problems,
    columns: new Map(),
    parts: new Map(),
    notKept,
    unhashed,
  };
  const meter = openMeter('reading');
  try {
    await inParallel(versions, VERSIONS_AT_ONCE, async (number) => {
      await verifyVersion(verification, number, lines.get(number));
      meter.expect(inventory.bytes);
    });
    await verifyChampion(verification, version);
    // Only the ledger names batches that are in no version yet, and amended ones.
    if (version === undefined && ledger !== undefined)
      refsOf(ledger).forEach((ref) => inventory.add(ref));
    meter.expect(inventory.bytes);
    await readObjects(store.bucket, inventory, problems, meter);
  } finally {
    meter.stop();
  }
  const { size: objects, bytes: read } = inventory;
  const durationMs = Date.now() - started;
  return {
    pipeline,
    versions,
    notKept: notKept.toSorted((a, b) => a - b),
    unhashed: unhashed.toSorted((a, b) => a - b),
    objects,
    bytes: read,
    durationMs,
    problems: problems.list(),
  };
}

async function readLedger(
  { ledgers }: Store,
  pipeline: string,
  problems: Problems,
  versions: readonly number[],
): Promise<Ledger | undefined> {
  const key = ledgerKey(pipeline);
  try {
    const ledger = await ledgers.read(pipeline);
    const why = 'the document is not there';
    if (ledger === undefined) problems.add({ state: 'missing', path: LEDGER, key, why }, versions);
    return ledger;
  } catch (error) {
    if (!(error instanceof DamagedArtifact)) throw error;
    problems.add(makeFault(LEDGER, error), versions);
    return undefined;
  }
}

type StageRecord = VersionRecord['stages'][number];

/**
 * Reads a version's record, cache entries and directories, and adds its files to the inventory.
 * @param line its line in the index, where the index has it
 * @throws MissingHistory when there is no such version, and the index has none
 */
export async function verifyVersion(
  verification: Verification,
  version: number,
  line: VersionLine | undefined,
): Promise<void> {
  const { store, pipeline, problems } = verification;
  const read = await readRecord(verification, version, line);
  if (read === undefined) return;
  const { record, hasSha256 } = read;
  if ((await store.records.collectedAt(record)) !== undefined) {
    verification.notKept.push(version);
    return;
  }
  const enter = (faults: readonly Fault[]): void =>
    faults.forEach((fault) => problems.add(fault, [version]));
  const atFault = damagedAt(RECORD, recordKey(pipeline, version, record.seq));
  const faults = [
    ...(read.fault === undefined ? [] : [read.fault]),
    ...recordFaults(record, pipeline, version),
  ];
  enter(faults.map(atFault));
  if (faults.length === 0) {
    if (!hasSha256) verification.unhashed.push(version);
    enter(await findLineFaults(store, record, line));
  }
  const entries = record.stages.map((stage) => checkEntry(store, stage, atFault));
  enter((await Promise.all(entries)).flat());
  const refs = new Map(
    record.stages
      .flatMap((stage) => [...listOwnInputs(stage), ...Object.values(stage.outputs)])
      .map((ref) => [`${ref.md5} ${ref.sha256}`, ref]),
  );
  const files = await Promise.all(
    [...refs.values()].map((ref) => checkRef(verification, ref, version)),
  );
  const filesOf = (ref: Ref | undefined): readonly Ref[] => {
    return files[[...refs.values()].findIndex(({ sha256 }) => sha256 === ref?.sha256)] ?? [];
  };
  const batches = filesOf(findStage(record.stages, 'merge_data')?.outputs.merged);
  const { ledger } = verification;
  if (ledger !== undefined && ledger.revision < record.ledger_revision)
    enter([describeOlderLedger(ledger)]);
  else enter(findLedgerFaults(ledger, record, batches).map(atFault));
  const splits = findStage(record.stages, 'preprocess')?.outputs;
  const [train, test] = [filesOf(splits?.train), filesOf(splits?.test)];
  enter(await checkParts(verification, record, { batches, train, test }));
  addRaw(verification, record);
  enter((await findMetricsFaults(store, record)).map(atFault));
}

async function readRecord(
  { store, pipeline, problems }: Verification,
  version: number,
  line: VersionLine | undefined,
): Promise<FoundRecord | undefined> {
  const path = RECORD;
  try {
    return await store.records.findLatest(pipeline, version);
  } catch (error) {
    if (error instanceof DamagedArtifact) problems.add(makeFault(path, error), [version]);
    else if (error instanceof MissingHistory && line !== undefined) {
      const there = (await store.records.read(pipeline, version, line.seq)) !== undefined;
      const key = there ? latestKey(pipeline, version) : recordKey(pipeline, version, line.seq);
      const why = there
        ? 'the pointer to the record is missing'
        : 'the index names it, and it is not there';
      problems.add({ state: 'missing', path, key, why }, [version]);
    } else throw error;
    return undefined;
  }
}

/** Checks that the index, which lists the versions with their scores, agrees with the record. */
async function findLineFaults(
  { records }: Store,
  record: VersionRecord,
  known: VersionLine | undefined,
): Promise<Fault[]> {
  if (known !== undefined && isLineOf(known, record)) return [];
  const lines = await records.list(record.pipeline);
  const line = lines.find(({ version }) => version === record.version);
  if (line !== undefined && isLineOf(line, record)) return [];
  // Publishing writes the pointer before the index.
  if ((await records.latest(record.pipeline, record.version)).seq !== record.seq) return [];
  return [
    {
      state: line === undefined ? 'missing' : 'damaged',
      path: `${INDEX_LINE}${record.version}`,
      key: makeIndexKey(record.pipeline),
      why: 'it differs from the record',
    },
  ];
}

async function checkEntry(
  { cache }: Store,
  stage: StageRecord,
  inRecord: (why: string) => Fault,
): Promise<Fault[]> {
  const path = `${CACHE_ENTRY}${stage.stage}`;
  const key = entryKey(stage.stage, stage.key);
  try {
    const entry = await cache.read(stage.stage, stage.key);
    if (entry === undefined)
      return [{ state: 'missing', path, key, why: 'the document is not there' }];
    if (entry.key !== stage.key || !isSoundEntry(entry))
      return [{ state: 'damaged', path, key, why: 'its key is not the hash of its content' }];
    return entryFaults(stage, entry).map(inRecord);
  } catch (error) {
    if (error instanceof DamagedArtifact) return [makeFault(path, error)];
    throw error;
  }
}

/** Adds an artifact's files to the inventory. @returns the files of a directory */
async function checkRef(
  { store, inventory, problems }: Verification,
  ref: Ref,
  version: number,
): Promise<Ref[]> {
  if (!isDirectory(ref)) {
    inventory.add(ref, version);
    return [];
  }
  const { faults, files } = await checkDirectory(store.bucket, ref);
  for (const fault of faults) problems.add(fault, [version]);
  for (const file of files) inventory.add({ ...file, path: `${ref.path}${file.path}` }, version);
  return files;
}

/** Adds the raw data of each batch, because no record has the files that arrived or that replaced a batch. */
function addRaw(
  { ledger, inventory }: Verification,
  { version, ledger_revision }: VersionRecord,
): void {
  if (ledger === undefined) return;
  for (const { raw } of batchesAt(ledger, version, ledger_revision)) {
    const known = rawNamed(ledger, raw);
    if (known === undefined) continue;
    inventory.add(known.ref, version);
    inventory.add(known.columns, version);
  }
}

/** The fault of a ledger that is older than a version: one fault, however many versions are newer. */
function describeOlderLedger({ pipeline, revision }: Ledger): Fault {
  return {
    state: 'damaged',
    path: LEDGER,
    key: ledgerKey(pipeline),
    why: `it is at revision ${revision}, and these versions were built from later ones: it was replaced by an older copy; restore the newest one from a backup`,
  };
}

/** Checks that the merged data is batches 1..N of the ledger, at the revision in the record. */
function findLedgerFaults(
  ledger: Ledger | undefined,
  { version, ledger_revision }: VersionRecord,
  merged: readonly Ref[],
): string[] {
  if (ledger === undefined || merged.length === 0) return [];
  const batches = batchesAt(ledger, version, ledger_revision);
  const same =
    batches.length === merged.length &&
    batches.every(({ ref }, i) => ref.sha256 === merged[i]!.sha256);
  return same ? [] : [`its merged data is not the ledger's batches at revision ${ledger_revision}`];
}

/** Checks that the scores in the record are those in the metrics file. */
async function findMetricsFaults({ artifacts }: Store, record: VersionRecord): Promise<string[]> {
  const ref = findStage(record.stages, 'evaluate')?.outputs.metrics;
  if (ref === undefined) return [];
  try {
    const scored = flattenMetrics(readMetrics(await artifacts.get(ref), ref));
    const differs = Object.keys(record.metrics).filter(
      (name) => name in scored && scored[name] !== record.metrics[name],
    );
    return differs.map((name) => `its ${name} is not that of ${ref.path}`);
  } catch (error) {
    if (!(error instanceof DamagedArtifact)) throw error;
    // Missing and damaged bytes are reported with the inventory.
    return error.details['isForeign'] === true ? [error.message] : [];
  }
}

function damagedAt(path: string, key: string): (why: string) => Fault {
  return (why) => ({ state: 'damaged', path, key, why });
}
