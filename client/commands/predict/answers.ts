import { createWriteStream, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { escapeControls } from '../../../contract/controls.ts';
import { SetupError } from '../../../contract/failures.ts';
import type { Label } from '../../../pipeline/features/label-type.ts';
import { formatRow } from '../../../pipeline/csv/write.ts';
import type { Answers } from '../../../pipeline/predictions/predictor.ts';
import type { Format } from './rows.ts';

/** Writes answers, in the order of the rows. */
export interface AnswerWriter {
  write(answers: Answers): Promise<void>;
  finish(): Promise<void>;
  /** Removes the incomplete file. */
  abandon(): void;
}

/** What the answers are of. */
export interface AnswersOf {
  /** For the metadata: `iris version 3.1`. */
  model: string;
  /** The names of the classes if probabilities are written. */
  classes: readonly Label[] | undefined;
  /** An answer, from which the type of a column is known. */
  example: Label;
}

/**
 * Opens a file for answers, or stdout if the path is `-`. The file appears under its name only when it is complete.
 * @throws SetupError when no file can be written there
 */
export async function openAnswers(
  path: string,
  format: Format,
  of: AnswersOf,
): Promise<AnswerWriter> {
  const half = `${path}.${process.pid}.tmp`;
  const target =
    path === '-' ? process.stdout : createWriteStream(half, { fd: create(path, half) });
  let failure: unknown;
  target.on('error', (error) => (failure = writeError(path, error)));
  const send = async (bytes: string | Uint8Array): Promise<void> => {
    if (failure !== undefined) throw failure as Error;
    const isShown = typeof bytes === 'string' && path === '-' && process.stdout.isTTY;
    if (!target.write(isShown ? escapeControls(bytes) : bytes)) await drained(target);
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
    },
    abandon: () => {
      if (path === '-') return;
      target.destroy();
      rmSync(half, { force: true });
    },
  };
}

function create(path: string, half: string): number {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new SetupError(`${path} is a folder: give the name of a file in --out`);
  try {
    return openSync(half, 'w');
  } catch (error) {
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
function drained(target: Writable): Promise<void> {
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
type Inner = Omit<AnswerWriter, 'abandon'>;

/** Columns: `prediction`, and with probabilities one for each class. An answer that is null is an empty cell. */
async function openCsv(send: Send, { classes }: AnswersOf): Promise<Inner> {
  const header = ['prediction', ...(classes ?? []).map((name) => `probability_${name}`)];
  // The header is written with the first predictions, so that a refused input leaves stdout empty.
  let begun = `${formatRow(header)}\n`;
  const written = new Map<Label | null, string>([[null, classes === undefined ? '""' : '']]);
  const format = (answer: Label | null): string => {
    // The numbers of a regression may all differ, so they are not kept.
    if (typeof answer === 'number') return String(answer);
    let text = written.get(answer);
    if (text === undefined) written.set(answer, (text = formatRow([String(answer)])));
    return text;
  };
  const nothing = ','.repeat(classes?.length ?? 0);
  return {
    write: async ({ answers, shares }) => {
      let text = begun;
      begun = '';
      for (let row = 0; row < answers.length; row++) {
        text += format(answers[row]!);
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
async function openLines(send: Send, { classes }: AnswersOf): Promise<Inner> {
  const names = classes?.map((name) => JSON.stringify(String(name)));
  return {
    write: async ({ answers, shares }) => {
      let text = '';
      for (let row = 0; row < answers.length; row++) {
        const answer = answers[row]!;
        text += `{"prediction":${typeof answer === 'bigint' ? String(answer) : JSON.stringify(answer)}`;
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

async function openParquet(send: Send, { model, classes, example }: AnswersOf): Promise<Inner> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const type = PARQUET_TYPES[typeof example as keyof typeof PARQUET_TYPES];
  const names = (classes ?? []).map((name) => `probability_${name}`);
  let answers: (Label | null)[] = [];
  let shares: (number | null)[][] = names.map(() => []);
  const columns = () => [
    { name: 'prediction', data: answers, type },
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
    if (answers.length === 0) return;
    await file.write({ columnData: columns(), rowGroupSize: GROUP });
    await sendWritten();
    answers = [];
    shares = names.map(() => []);
  };
  return {
    write: async (more) => {
      for (let row = 0; row < more.answers.length; row++) {
        answers.push(more.answers[row]!);
        const known = more.shares?.[row];
        for (let i = 0; i < names.length; i++) shares[i]!.push(known?.[i] ?? null);
      }
      if (answers.length >= GROUP) await flush();
    },
    finish: async () => {
      await flush();
      await file.finish();
      await sendWritten();
    },
  };
}
