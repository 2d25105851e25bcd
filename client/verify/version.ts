import { headlineOf, readMetrics } from '../../store/metrics-file.ts';
import { DamagedArtifact, MissingHistory } from '../../contract/failures.ts';
import type { Store } from '../../store/index.ts';
import { batchesAt, rawNamed, type Ledger } from '../../store/ledger/ledger.ts';
import { entryFaults, isSoundEntry, recordFaults } from '../../store/record-check.ts';
import { latestKey, recordKey, type VersionRecord } from '../../store/version-record.ts';
import type { VersionLine } from '../../store/version-index.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';
import { entryKey } from '../../store/stage-cache.ts';
import { checkDirectory } from './directory.ts';
import { checkParts, type Verification } from './parts.ts';
import { CACHE_ENTRY, faultOf, RECORD, type Fault } from './problems.ts';

type StageRecord = VersionRecord['stages'][number];

/**
 * Reads a version's record, cache entries and directories, and enters its files into the inventory.
 * @param line what the index says of it, where the index has it
 * @throws MissingHistory when there is no such version, and the index knows of none.
 */
export async function verifyVersion(
  verification: Verification,
  version: number,
  line: VersionLine | undefined,
): Promise<void> {
  const { store, pipeline, problems } = verification;
  const record = await readRecord(verification, version, line);
  if (record === undefined) return;
  if ((await store.records.collectedAt(record)) !== undefined) {
    verification.notKept.push(version);
    return;
  }
  const enter = (faults: readonly Fault[]): void =>
    faults.forEach((fault) => problems.add(fault, [version]));
  const atFault = damagedAt(RECORD, recordKey(pipeline, version, record.seq));
  enter(recordFaults(record, pipeline, version).map(atFault));
  const entries = record.stages.map((stage) => checkEntry(store, stage, atFault));
  enter((await Promise.all(entries)).flat());
  const refs = new Map(
    record.stages
      .flatMap(({ inputs, outputs }) => [...Object.values(inputs), ...Object.values(outputs)])
      .map((ref) => [`${ref.md5} ${ref.sha256}`, ref]),
  );
  const files = await Promise.all(
    [...refs.values()].map((ref) => checkRef(verification, ref, version)),
  );
  const filesOf = (stage: string, name: string): readonly Ref[] => {
    const ref = outputOf(record, stage, name);
    return files[[...refs.values()].findIndex(({ sha256 }) => sha256 === ref?.sha256)] ?? [];
  };
  const batches = filesOf('merge_data', 'merged');
  enter(ledgerFaults(verification.ledger, record, batches).map(atFault));
  const [train, test] = [filesOf('preprocess', 'train'), filesOf('preprocess', 'test')];
  enter(await checkParts(verification, record, { batches, train, test }));
  enterRaw(verification, record);
  enter((await metricsFaults(store, record)).map(atFault));
}

async function readRecord(
  { store, pipeline, problems }: Verification,
  version: number,
  line: VersionLine | undefined,
): Promise<VersionRecord | undefined> {
  const path = RECORD;
  try {
    return await store.records.latest(pipeline, version);
  } catch (error) {
    if (error instanceof DamagedArtifact) problems.add(faultOf(path, error), [version]);
    else if (error instanceof MissingHistory && line !== undefined) {
      const there = (await store.records.read(pipeline, version, line.seq)) !== undefined;
      const key = there ? latestKey(pipeline, version) : recordKey(pipeline, version, line.seq);
      const why = there ? 'nothing leads to the record' : 'the index names it, and it is not there';
      problems.add({ state: 'missing', path, key, why }, [version]);
    } else throw error;
    return undefined;
  }
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
      return [{ state: 'missing', path, key, why: 'no document stands there' }];
    if (entry.key !== stage.key || !isSoundEntry(entry))
      return [{ state: 'damaged', path, key, why: 'it does not say what its key is the hash of' }];
    return entryFaults(stage, entry).map(inRecord);
  } catch (error) {
    if (error instanceof DamagedArtifact) return [faultOf(path, error)];
    throw error;
  }
}

/** Enters an artifact's files into the inventory; those of a directory are returned. */
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

/** The raw data of each of its batches: a file that arrived, or an amendment's, is in no record's outputs. */
function enterRaw(
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

/** The merged data must be the ledger's batches 1..N as they stood at the record's revision. */
function ledgerFaults(
  ledger: Ledger | undefined,
  { version, ledger_revision }: VersionRecord,
  merged: readonly Ref[],
): string[] {
  if (ledger === undefined || merged.length === 0) return [];
  const batches = batchesAt(ledger, version, ledger_revision);
  const same =
    ledger.revision >= ledger_revision &&
    batches.length === merged.length &&
    batches.every(({ ref }, i) => ref.sha256 === merged[i]!.sha256);
  return same ? [] : [`its merged data is not the ledger's batches at revision ${ledger_revision}`];
}

/** The scores in the record are copies of those in the metrics file. */
async function metricsFaults({ artifacts }: Store, record: VersionRecord): Promise<string[]> {
  const ref = outputOf(record, 'evaluate', 'metrics');
  if (ref === undefined) return [];
  try {
    const scored = headlineOf(readMetrics(await artifacts.get(ref)));
    const differs = Object.keys(record.metrics).filter(
      (name) => name in scored && scored[name] !== record.metrics[name],
    );
    return differs.map((name) => `its ${name} is not that of ${ref.path}`);
  } catch (error) {
    if (error instanceof DamagedArtifact) return []; // the inventory finds it
    throw error;
  }
}

function outputOf(record: VersionRecord, stage: string, name: string): Ref | undefined {
  return record.stages.find((entry) => entry.stage === stage)?.outputs[name];
}

function damagedAt(path: string, key: string): (why: string) => Fault {
  return (why) => ({ state: 'damaged', path, key, why });
}
