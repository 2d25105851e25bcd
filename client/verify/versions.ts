import { DamagedArtifact } from '../../contract/failures.ts';
import type { Store } from '../../store/index.ts';
import { ledgerKey, refsOf, type Ledger } from '../../store/ledger/ledger.ts';
import { inParallel } from '../../store/parallel.ts';
import { noVersionYet } from '../versions.ts';
import { openMeter } from '../meter.ts';
import { Inventory, readObjects } from './objects.ts';
import { faultOf, LEDGER, Problems, type Verified } from './problems.ts';
import type { Verification } from './parts.ts';
import { verifyVersion } from './version.ts';

/** Versions whose documents are read at once. */
const VERSIONS_AT_ONCE = 4;

/** Reads the documents of the versions asked for, then every file they name, each once. */
export async function verifyVersions(
  store: Store,
  { pipeline, version }: { pipeline: string; version: number | undefined },
): Promise<Verified> {
  const started = Date.now();
  const lines = new Map((await store.records.list(pipeline)).map((line) => [line.version, line]));
  const versions = version === undefined ? [...lines.keys()] : [version];
  if (versions.length === 0) throw noVersionYet(pipeline);
  const [inventory, problems] = [new Inventory(), new Problems()];
  const ledger = await readLedger(store, pipeline, problems, versions);
  const notKept: number[] = [];
  const verification: Verification = {
    store,
    pipeline,
    ledger,
    inventory,
    problems,
    columns: new Map(),
    parts: new Map(),
    notKept,
  };
  const meter = openMeter('reading');
  try {
    await inParallel(versions, VERSIONS_AT_ONCE, async (number) => {
      await verifyVersion(verification, number, lines.get(number));
      meter.expect(inventory.bytes);
    });
    if (version === undefined) addLedger(inventory, ledger);
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
    const why = 'no document stands there';
    if (ledger === undefined) problems.add({ state: 'missing', path: LEDGER, key, why }, versions);
    return ledger;
  } catch (error) {
    if (!(error instanceof DamagedArtifact)) throw error;
    problems.add(faultOf(LEDGER, error), versions);
    return undefined;
  }
}

/** What the ledger alone names too: batches that are in no version yet, and what was amended. */
function addLedger(inventory: Inventory, ledger: Ledger | undefined): void {
  for (const ref of ledger === undefined ? [] : refsOf(ledger)) inventory.add(ref);
}
