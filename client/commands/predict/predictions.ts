import { createWriteStream, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { escapeControls } from '../../../contract/controls.ts';
import { SetupError } from '../../../contract/failures.ts';
import type { Label } from '../../../pipeline/features/label-type.ts';
import { formatRow } from '../../../pipeline/csv/write.ts';
import type { RowPredictions } from '../../../pipeline/predictions/predictor.ts';
import { newOwnFolder, sweepOwnFolders } from '../../../store/own-folder.ts';
import type { Format } from './rows.ts';

/** Writes predictions, in the order of the rows. */
export interface PredictionWriter {
  write(predictions: RowPredictions): Promise<void>;
  finish(): Promise<void>;
  /** Removes the incomplete file. */
  abandon(): void;
}

/** The model of the predictions, and what is written of them. */
export interface PredictionsOf {
  /** For the metadata: `iris version 3.1`. */
  model: string;
  /** The names of the classes if probabilities are written. */
  classes: readonly Label[] | undefined;
  /** One prediction. It shows the type of the column. */
  example: Label;
}

/**
 * Opens a file for predictions, or stdout if the path is `-`. The file appears under its name only when it is complete.
 * @throws SetupError when no file can be written there
 */
export async function openPredictions(
  path: string,
  format: Format,
  of: PredictionsOf,
): Promise<PredictionWriter> {
  const folder = path === '-' ? '' : await makeFolder(path);
  const half = join(folder, 'predictions');
  const target = path === '-' ? process.stdout : openHalf(path, folder, half);
  let failure: unknown;
  target.on('error', (error) => (failure = writeError(path, error)));
  const send = async (bytes: string | Uint8Array): Promise<void> => {
    if (failure !== undefined) throw failure as Error;
    const isShown = typeof bytes === 'string' && path === '-' && process.stdout.isTTY;
    if (!target.write(isShown ? escapeControls(bytes) : bytes)) await waitForDrain(target);
  };
  const make = { csv: openCsv, jsonl: openLines, parquet: openParquet }[format];
  const inner = await make(send, of);
  return {
    write: inner.write,
    finish: async () => {
      await inner.finish();
      if (path === '-') return;
      await close(target);
      if (failure !== undefined) throw failure as Error;
      try {
        renameSync(half, path);
      } catch (error) {
        throw writeError(path, error);
      }
      rmSync(folder, { recursive: true, force: true });
    },
    abandon: () => {
      if (path === '-') return;
      target.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Makes a folder for the incomplete file, beside its final place. Those of processes that were killed are removed. */
async function makeFolder(path: string): Promise<string> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new SetupError(`${path} is a folder: give the name of a file in --out`);
  const parent = dirname(path);
  if (statSync(parent, { throwIfNoEntry: false }) === undefined)
    throw writeError(path, { code: 'ENOENT' });
  await sweepOwnFolders(parent);
  try {
    return await newOwnFolder(parent, 'predict');
  } catch (error) {
    throw writeError(path, (error as Error).cause ?? error);
  }
}

/** @param half the incomplete file, in its folder */
function openHalf(path: string, folder: string, half: string): Writable {
  try {
    return createWriteStream(half, { fd: openSync(half, 'w') });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw writeError(path, error);
  }
}

function writeError(path: string, error: unknown): SetupError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  const hint =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? 'create its folder'
      : code === 'ENOSPC' || code === 'EDQUOT'
        ? 'free some space'
        : 'give another --out';
  return new SetupError(`${path} cannot be written (${code}): ${hint}`, { cause: error });
}

/** Waits until a stream accepts more data, or has ended. */
function waitForDrain(target: Writable): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      target.off('drain', end).off('close', end);
      resolve();
    };
    target.on('drain', end).on('close', end);
  });
}

async function close(target: Writable): Promise<void> {
  target.end();
  await finished(target).catch(() => undefined);
}

type Send = (bytes: string | Uint8Array) => Promise<void>;
type Inner = Omit<PredictionWriter, 'abandon'>;

/** Columns: `prediction`, and with probabilities one for each class. Without a prediction the cell is empty. */
async function openCsv(send: Send, { classes }: PredictionsOf): Promise<Inner> {
  const header = ['prediction', ...(classes ?? []).map((name) => `probability_${name}`)];
  // The header is written with the first predictions, so that a refused input leaves stdout empty.
  let begun = `${formatRow(header)}\n`;
  const written = new Map<Label | null, string>([[null, classes === undefined ? '""' : '']]);
  const format = (prediction: Label | null): string => {
    // The numbers of a regression may all differ, so they are not kept.
    if (typeof prediction === 'number') return String(prediction);
    let text = written.get(prediction);
    if (text === undefined) written.set(prediction, (text = formatRow([String(prediction)])));
    return text;
  };
  const nothing = ','.repeat(classes?.length ?? 0);
  return {
    write: async ({ predictions, shares }) => {
      let text = begun;
      begun = '';
      for (let row = 0; row < predictions.length; row++) {
        text += format(predictions[row]!);
        if (classes !== undefined) {
          const known = shares![row];
          text += known === null || known === undefined ? nothing : `,${known.join(',')}`;
        }
        text += '\n';
      }
      await send(text);
    },
    finish: async () => {
      if (begun !== '') await send(begun);
    },
  };
}

/** A line is `{"prediction": …}`, with `"probabilities": {class: share}` if they are written. */
async function openLines(send: Send, { classes }: PredictionsOf): Promise<Inner> {
  const names = classes?.map((name) => JSON.stringify(String(name)));
  return {
    write: async ({ predictions, shares }) => {
      let text = '';
      for (let row = 0; row < predictions.length; row++) {
        const prediction = predictions[row]!;
        text += `{"prediction":${typeof prediction === 'bigint' ? String(prediction) : JSON.stringify(prediction)}`;
        const known = names === undefined ? null : shares![row];
        if (known !== null && known !== undefined)
          text += `,"probabilities":{${known.map((share, i) => `${names![i]}:${share}`).join()}}`;
        text += '}\n';
      }
      await send(text);
    },
    finish: async () => undefined,
  };
}

const PARQUET_TYPES = {
  boolean: 'BOOLEAN',
  number: 'DOUBLE',
  bigint: 'INT64',
  string: 'STRING',
} as const;

/** Rows of a row group. */
const GROUP = 100_000;

async function openParquet(send: Send, { model, classes, example }: PredictionsOf): Promise<Inner> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const type = PARQUET_TYPES[typeof example as keyof typeof PARQUET_TYPES];
  const names = (classes ?? []).map((name) => `probability_${name}`);
  let predictions: (Label | null)[] = [];
  let shares: (number | null)[][] = names.map(() => []);
  const columns = () => [
    { name: 'prediction', data: predictions, type },
    ...names.map((name, i) => ({ name, data: shares[i]!, type: 'DOUBLE' as const })),
  ];
  const writer = new ByteWriter();
  const file = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columns() }),
    kvMetadata: [{ key: 'retrain.model', value: model }],
  });
  const sendWritten = async (): Promise<void> => {
    await send(writer.getBytes().slice());
    writer.index = 0;
  };
  const flush = async (): Promise<void> => {
    if (predictions.length === 0) return;
    await file.write({ columnData: columns(), rowGroupSize: GROUP });
    await sendWritten();
    predictions = [];
    shares = names.map(() => []);
  };
  return {
    write: async (more) => {
      for (let row = 0; row < more.predictions.length; row++) {
        predictions.push(more.predictions[row]!);
        const known = more.shares?.[row];
        for (let i = 0; i < names.length; i++) shares[i]!.push(known?.[i] ?? null);
      }
      if (predictions.length >= GROUP) await flush();
    },
    finish: async () => {
      await flush();
      await file.finish();
      await sendWritten();
    },
  };
}
