import { addColumns, type Column } from '../../pipeline/batches/columns.ts';
import { readSplit, taskOf } from '../../contract/defaults.ts';
import { checkSplitColumns } from '../../pipeline/features/encode.ts';
import { readCellSettings } from '../../pipeline/csv/cells.ts';
import type { Params } from '../../contract/params.ts';
import type { Arrived } from '../../store/ledger/changes.ts';
import type { Settings } from '../../store/ledger/schema.ts';
import { encodeColumns } from '../../store/columns-file.ts';
import { RAW, RAW_FILES } from '../../contract/paths.ts';
import { sourceIdentity } from '../identity.ts';
import { type SeenFile, MOST_BYTES } from './place.ts';
import type { SourceDeps } from '../source.ts';
import { BadData, SourceRefused } from '../../contract/failures.ts';
import { type Encoding, readText } from '../text.ts';

interface Arriving {
  file: SeenFile;
  bytes: Uint8Array;
  /** Undefined for the first file, whose columns are then frozen. */
  settings: Settings | undefined;
  /** Columns that files before it have added. */
  added: readonly Column[];
  params: Params;
  signal: AbortSignal;
}

/**
 * Checks a file that arrived against the pipeline's columns, and stores it. The first file gives the columns.
 * @throws BadData when it cannot be a batch
 */
export async function takeIn(
  deps: SourceDeps,
  arriving: Arriving,
): Promise<{ settings: Settings; arrived: Arrived }> {
  const { settings, rows, added } = await checkFile(deps, arriving);
  const { bytes, file } = arriving;
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

/** A file that arrived and can be a batch. */
export interface CheckedFile {
  settings: Settings;
  rows: number;
  /** Columns that no file before it had. */
  added: Column[];
}

/**
 * Checks a file against the pipeline's columns. The first file gives the columns.
 * @throws BadData when it cannot be a batch
 */
export async function checkFile(
  deps: Pick<SourceDeps, 'compute'>,
  { file: { name }, bytes, params, signal, added: before, settings: known }: Arriving,
): Promise<CheckedFile> {
  const encoding = known?.encoding ?? params.data.encoding;
  const text = await decodeFile(name, bytes, encoding);
  const settings = known ?? (await inspectFirst(deps, name, text, params, signal));
  const whole = conformInput(name, text, settings, params, addColumns(settings.columns, before));
  const { rows, added } = await deps.compute('conformBatch', whole, signal);
  return { settings, rows, added };
}

/**
 * Returns the input of the task that makes a batch of a whole file.
 * @param text of the file, in UTF-8
 */
export function conformInput(
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
    key: settings.split_time === null ? settings.split_key : [settings.split_time],
    cells: readCellSettings(settings),
    columnsBy: data.columns_by,
    contract: { newColumn: data.on_new_column, missingColumn: data.on_missing_column },
  };
}

/** Finds the settings of a pipeline in its first file. */
async function inspectFirst(
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
      cells: readCellSettings(data),
      task: taskOf({ model }),
    },
    signal,
  );
  checkSplitColumns(columns, readSplit(split), { target: data.target, file: name });
  return {
    source: sourceIdentity(data.source),
    grows: true,
    delimiter: data.delimiter,
    encoding: data.encoding,
    target: data.target,
    columns,
    declared: data.columns,
    missing_values: data.missing_values,
    decimal: data.decimal,
    thousands: data.thousands,
    batch_size: data.batch_size,
    shuffle_seed: data.shuffle_seed,
    split_key: split.key,
    split_time: readSplit(split).timeColumn,
  };
}

/**
 * Returns the text of a file that arrived, as UTF-8. Gzip is decompressed, and Latin-1 is converted. The store
 * keeps the file as it arrived.
 * @throws BadData when it is a file of another kind, or too large after it is decompressed
 */
export async function decodeFile(
  name: string,
  bytes: Uint8Array,
  encoding: Encoding,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of readText(once(bytes), { name, encoding, limit: MOST_BYTES }))
      pieces.push(piece);
  } catch (error) {
    if (!(error instanceof SourceRefused)) throw error;
    const reason = `${name} has more than ${MOST_BYTES} bytes after it is decompressed, which is the limit of a batch: split it`;
    throw new BadData(reason, { cause: error });
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
