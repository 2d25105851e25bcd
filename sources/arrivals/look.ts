import { BadData, BadParams } from '../../contract/failures.ts';
import { byCodePoint } from '../../contract/codepoints.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import type { Params } from '../../contract/params.ts';
import type { Arrived } from '../../store/ledger/changes.ts';
import type { Quarantined, Settings } from '../../store/ledger/schema.ts';
import { hasArrivals, type Ledger } from '../../store/ledger/ledger.ts';
import { sha256 } from '../../store/hash.ts';
import { checkFrozen } from '../frozen.ts';
import { type ChangedFile, findChanged } from './changed.ts';
import { findNameFault, MOST_BYTES, type Place, type SeenFile } from './place.ts';
import { findQuarantined, quarantine, refuseDuplicate, type Rules } from './quarantine.ts';
import { takeIn } from './take-in.ts';
import type { SourceDeps } from '../source.ts';
import { RETRAIN } from '../../contract/command.ts';

/** The number of files that are entered in the ledger together. A look that stops early keeps these. */
const AT_ONCE = 20;

/** The result of a look at a folder or a prefix. */
export interface Looked {
  /** Undefined when no file has ever been usable. */
  ledger: Ledger | undefined;
  /** Names of new files, in the order of their batches. */
  arrived: string[];
  writing: string[];
  quarantined: Quarantined[];
  /** Files whose rows have changed since they arrived. */
  changed: ChangedFile[];
}

export interface LookOptions {
  pipeline: string;
  params: Params;
  place: Place;
  signal: AbortSignal;
  /** Called for each file that is read, with its number and the number of files. */
  onFile?: (read: number, of: number) => void;
}

/**
 * Looks at a folder or a prefix. New files are checked, stored and entered in the ledger; files that cannot be
 * used are quarantined; known files that have changed are reported. Files that are known to be unchanged are not
 * read. The files of one look are ordered by name, in code points. Files of a later look follow them.
 * @throws BadData when there is no such folder or prefix
 */
export async function lookAt(deps: SourceDeps, options: LookOptions): Promise<Looked> {
  const { pipeline, params, place } = options;
  let ledger = selectLedger(await deps.store.ledgers.read(pipeline), params);
  const { files, writing } = await place.list();
  const fresh = selectNewFiles(files, ledger);
  const changed = ledger === undefined ? [] : await findChanged(deps, ledger, files, options);
  const quarantined: Quarantined[] = [];
  const arrived: string[] = [];
  let settings: Settings | undefined = ledger?.settings;
  let pending: Arrived[] = [];
  const enter = async (bad: readonly Quarantined[]): Promise<void> => {
    if (settings === undefined || (ledger === undefined && pending.length === 0)) return;
    const at = new Date().toISOString();
    ledger = await deps.store.ledgers.arrive(pipeline, {
      settings,
      location: params.data.source,
      arrived: pending,
      quarantined: bad,
      at,
    });
    pending = [];
  };
  const take = async (file: SeenFile, bytes: Uint8Array, rules: Rules) => {
    const taken = await takeIn(deps, { file, bytes, signal: options.signal, ...rules });
    return { ...taken, added: taken.arrived.added ?? [] };
  };
  const walked = walkNewFiles(options, fresh, ledger, take);
  for await (const seen of walked) {
    if (seen.state === 'writing') writing.push(seen.file.name);
    else if (seen.state === 'quarantined') quarantined.push(seen.entry);
    else {
      settings = seen.taken.settings;
      pending.push(seen.taken.arrived);
      arrived.push(seen.file.name);
      if (pending.length === AT_ONCE) await enter(ledger?.quarantined ?? []);
    }
  }
  await enter(quarantined);
  return { ledger, arrived, writing: writing.sort(byCodePoint), quarantined, changed };
}

/** A new file, and whether it can be a batch. */
type SeenNewFile<Taken> = { file: SeenFile } & (
  | {
      state: 'taken';
      taken: Taken;
      /** A file before it with the same bytes. */
      sameAs: { name: string; batch: number } | undefined;
    }
  | { state: 'quarantined'; entry: Quarantined }
  | { state: 'writing' }
);

/**
 * Reads the new files one after another, each by the rules that the files before it have left.
 * @param take checks a file, and stores it where the look is not only a preview
 */
export async function* walkNewFiles<Taken extends { settings: Settings; added: readonly Column[] }>(
  { params, place, signal, onFile }: Omit<LookOptions, 'pipeline'>,
  files: readonly SeenFile[],
  ledger: Ledger | undefined,
  take: (file: SeenFile, bytes: Uint8Array, rules: Rules) => Promise<Taken>,
): AsyncGenerator<SeenNewFile<Taken>> {
  const known = new Map<string, { name: string; batch: number }>();
  const learn = (hash: string, name: string, batch: number): void => {
    if (!known.has(hash)) known.set(hash, { name, batch });
  };
  const arrivals = ledger?.arrivals ?? [];
  for (const [i, { raw, name }] of arrivals.entries()) learn(raw, name, i + 1);
  let batches = arrivals.length;
  let rules: Rules = {
    settings: ledger?.settings,
    added: ledger?.added_columns ?? [],
    params,
    known,
  };
  for (const [i, file] of files.entries()) {
    signal.throwIfAborted();
    onFile?.(i, files.length);
    const still = findQuarantined(ledger, file, rules);
    if (still !== undefined) {
      yield { file, state: 'quarantined', entry: still };
      continue;
    }
    const bytes = await readFile(place, file).catch(catchBadFile);
    if (bytes === undefined) {
      yield { file, state: 'writing' };
      continue;
    }
    const hash = bytes instanceof Error ? null : sha256(bytes);
    const refused = hash === null ? undefined : refuseDuplicate(hash, rules);
    const taken =
      refused ??
      (bytes instanceof Error ? bytes : await take(file, bytes, rules).catch(catchBadFile));
    if (taken instanceof Error) {
      const entry = quarantine(file, { hash, reason: taken.message, rules });
      yield { file, state: 'quarantined', entry };
      continue;
    }
    batches++;
    const added = taken.added.map((column) => ({ ...column, since: batches }));
    rules = { ...rules, settings: taken.settings, added: [...rules.added, ...added] };
    yield { file, state: 'taken', taken, sameAs: known.get(hash!) };
    learn(hash!, file.name, batches);
  }
}

/** Returns the new files, in the order of their batches. */
export function selectNewFiles(files: readonly SeenFile[], ledger: Ledger | undefined): SeenFile[] {
  const known = new Set(ledger?.arrivals.map(({ name }) => name));
  return files.filter(({ name }) => !known.has(name)).sort((a, b) => byCodePoint(a.name, b.name));
}

/** Returns the ledger that a look adds to. A ledger without batches and with other settings is not used. */
export function selectLedger(ledger: Ledger | undefined, params: Params): Ledger | undefined {
  if (ledger === undefined) return undefined;
  try {
    checkFrozen(ledger, params);
    return hasArrivals(ledger) ? ledger : undefined;
  } catch (error) {
    if (ledger.batches.length > 0) throw error;
    return undefined;
  }
}

/**
 * Returns the bytes of a file; undefined when it is still being written.
 * @throws BadData when its name or its size does not permit a batch
 */
async function readFile(place: Place, file: SeenFile): Promise<Uint8Array | undefined> {
  const fault = findNameFault(file.name);
  if (fault !== undefined) throw new BadData(fault);
  if (file.size === 0) throw new BadData('it is empty: it needs a header and at least one row');
  if (file.size > MOST_BYTES)
    throw new BadData(`it has ${file.size} bytes, and the most is ${MOST_BYTES}: split it`);
  return place.read(file);
}

/** Returns an error about one file, which does not end the look. Throws any other error again. */
function catchBadFile(error: unknown): BadData | BadParams {
  if (error instanceof BadData || error instanceof BadParams) return error;
  throw error;
}

/** The maximum number of files that have a sentence each. The others are listed in one sentence. */
const MOST_SENTENCES = 20;

/** The maximum number of names in one sentence. The others are counted. */
const MOST_NAMES = 1_000;

/** Describes a look in sentences: files that were left out, and files that have changed. */
export function describeLook(look: Looked | undefined, source: string): string[] {
  return look === undefined ? [] : describeFiles(look, source, look.ledger?.pipeline);
}

/**
 * Describes the files of a folder or prefix that are no batch yet, or that have changed since they became one.
 * @param pipeline undefined when it has no data yet
 */
export function describeFiles(
  { writing, quarantined, changed }: Pick<Looked, 'writing' | 'quarantined' | 'changed'>,
  source: string,
  pipeline: string | undefined,
): string[] {
  const of = pipeline === undefined ? '' : ` --pipeline ${pipeline}`;
  const sentences: string[] = [];
  if (writing.length > 0)
    sentences.push(
      `${listNames(writing)} in ${source} is still being written: a later look reads it`,
    );
  for (const { name, reason } of quarantined.slice(0, MOST_SENTENCES))
    sentences.push(`${name} in ${source} is quarantined: ${reason}`);
  const more = quarantined.slice(MOST_SENTENCES).map(({ name }) => name);
  if (more.length > 0)
    sentences.push(
      `${more.length} more files in ${source} are quarantined: ${listNames(more)}; "${RETRAIN} pending${of}" gives the reasons`,
    );
  for (const { name, batch, isCut } of changed.slice(0, MOST_SENTENCES)) {
    const first = isCut ? '' : `"${RETRAIN} stage prepare_batch ${batch}${of}" and then `;
    sentences.push(
      `${name} in ${source} has other rows now than batch ${batch}, which does not change: ` +
        `run ${first}"${RETRAIN} amend ${batch}${of} --source" with that file to replace the batch`,
    );
  }
  const others = changed.slice(MOST_SENTENCES).map(({ name }) => name);
  if (others.length > 0)
    sentences.push(
      `${others.length} more files in ${source} have other rows now than their batches: ${listNames(others)}; replace these batches in the same way`,
    );
  return sentences;
}

function listNames(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
