import type { Column } from '../../pipeline/batches/columns.ts';
import { taskOf } from '../../contract/defaults.ts';
import type { Params } from '../../contract/params.ts';
import type { Arrived } from '../../store/ledger/changes.ts';
import type { Settings } from '../../store/ledger/schema.ts';
import { encodeColumns } from '../../store/columns-file.ts';
import { RAW, RAW_FILES } from '../../contract/paths.ts';
import { sourceIdentity } from '../identity.ts';
import { type SeenFile, MOST_BYTES } from './place.ts';
import type { SourceDeps } from '../source.ts';
import { BadData, SourceRefused } from '../../contract/failures.ts';
import { type Encoding, textOf } from '../text.ts';

interface Handed {
  file: SeenFile;
  bytes: Uint8Array;
  /** Undefined for the first file of all: what its columns are is frozen. */
  settings: Settings | undefined;
  /** Columns that files before it have added. */
  added: readonly Column[];
  params: Params;
  signal: AbortSignal;
}

/**
 * Checks a file that arrived by the pipeline's columns, which the first one gives, and stores it.
 * @throws BadData when it cannot be a batch
 */
export async function takeIn(
  deps: SourceDeps,
  handed: Handed,
): Promise<{ settings: Settings; arrived: Arrived }> {
  const { settings, rows, added } = await checkFile(deps, handed);
  const { bytes, file } = handed;
  const { name, stamp } = file;
  const { artifacts } = deps.store;
  const [ref, columns] = await Promise.all([
    artifacts.put(`${RAW_FILES}${name}`, bytes),
    artifacts.put(`${RAW}/columns.json`, encodeColumns(settings.columns)),
  ]);
  const fetched_at = new Date().toISOString();
  return {
    settings,
    arrived: { name, stamp, added, raw: { ref, columns, rows, fetched_at, etag: null } },
  };
}

/** What a file that arrived is, as a batch. */
export interface CheckedFile {
  settings: Settings;
  rows: number;
  /** Columns that no file before it had. */
  added: Column[];
}

/**
 * Checks a file by the pipeline's columns, which the first one gives.
 * @throws BadData when it cannot be a batch
 */
export async function checkFile(
  deps: Pick<SourceDeps, 'compute'>,
  { file: { name }, bytes, params, signal, added: before, ...handed }: Handed,
): Promise<CheckedFile> {
  const encoding = handed.settings?.encoding ?? params.data.encoding;
  const text = await textOfFile(name, bytes, encoding);
  const settings = handed.settings ?? (await settingsBy(deps, name, text, params, signal));
  const whole = wholeFile(name, text, settings, params, [...settings.columns, ...before]);
  const { rows, added } = await deps.compute('conformBatch', whole, signal);
  return { settings, rows, added };
}

/**
 * What makes a batch of a whole file, by the columns known before it and what later data may do to them.
 * @param text of the file, in UTF-8
 */
export function wholeFile(
  file: string,
  text: Uint8Array,
  settings: Settings,
  { data }: Params,
  columns: Column[],
) {
  return {
    bytes: text,
    delimiter: settings.delimiter,
    file,
    columns,
    target: settings.target,
    key: settings.split_key,
    missingValues: settings.missing_values,
    contract: { newColumn: data.on_new_column, missingColumn: data.on_missing_column },
  };
}

async function settingsBy(
  deps: Pick<SourceDeps, 'compute'>,
  name: string,
  text: Uint8Array,
  { data, split, model }: Params,
  signal: AbortSignal,
): Promise<Settings> {
  const { columns } = await deps.compute(
    'inspectRaw',
    {
      bytes: text,
      delimiter: data.delimiter,
      file: name,
      target: data.target,
      declared: data.columns,
      missingValues: data.missing_values,
      task: taskOf({ model }),
    },
    signal,
  );
  return {
    source: sourceIdentity(data.source),
    grows: true,
    delimiter: data.delimiter,
    encoding: data.encoding,
    target: data.target,
    columns,
    declared: data.columns,
    missing_values: data.missing_values,
    batch_size: data.batch_size,
    shuffle_seed: data.shuffle_seed,
    split_key: split.key,
  };
}

/**
 * The text of a file that arrived, as UTF-8: unpacked where it is gzip, decoded where it is Latin-1. What is
 * kept of it is the file as it came.
 * @throws BadData when it is a file of another kind, or too large once it is unpacked
 */
export async function textOfFile(
  name: string,
  bytes: Uint8Array,
  encoding: Encoding,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of textOf(once(bytes), { name, encoding, limit: MOST_BYTES }))
      pieces.push(piece);
  } catch (error) {
    if (!(error instanceof SourceRefused)) throw error;
    const reason = `${name} has more than ${MOST_BYTES} bytes once it is unpacked, the most of a batch: split it`;
    throw new BadData(reason, { cause: error });
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
