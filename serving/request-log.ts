import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from 'arquero';
import {
  type DataType,
  dictionary,
  float64,
  int32,
  timestamp,
  TimeUnit,
  utf8,
} from '@uwdata/flechette';
import { messageOf } from '../contract/failures.ts';
import { nameBuild } from '../contract/versions.ts';
import type { Cell } from '../pipeline/csv/cells.ts';
import type { RowPredictions } from '../pipeline/predictions/predictor.ts';
import type { RawBlock } from '../pipeline/predictions/raw-block.ts';
import type { Bucket } from '../store/bucket.ts';
import { sha256 } from '../store/hash.ts';
import { underSignal } from '../store/signal.ts';
import type { LoadedModel } from './load-model.ts';

/** Rows of a file. */
const MOST_ROWS = 5_000;

/** How long a row may wait for others of its file. */
const MOST_AGE_MS = 60_000;

/** Bytes that may wait in memory. Further rows are dropped. */
const MOST_WAITING = 32_000_000;

/** How often files are written. */
const EVERY_MS = 1_000;

/** How long the last files may take when the server ends. */
const LAST_MS = 5_000;

/** How often the bytes of a day are measured, because other servers of the pipeline write too. */
const MEASURE_MS = 300_000;

/** The columns of the log itself. */
const OWN = ['_time', '_request', '_row', '_version', '_prediction', '_probability'] as const;

export interface LogOptions {
  /** The share of requests that are logged, from 0 to 1. */
  readonly share: number;
  /** Columns that are left out. */
  readonly without: readonly string[];
  /** Columns that the model does not read, and that are logged if a request has them. */
  readonly with: readonly string[];
  /** Bytes that a pipeline may have for one day, of all its servers. */
  readonly mostBytes: number;
}

interface LogColumn {
  readonly name: string;
  readonly type: DataType;
  /** Whether the model reads it. */
  readonly isRead: boolean;
}

/** Rows that wait for their file. All have the same columns. */
interface Buffered {
  readonly columns: readonly LogColumn[];
  readonly cells: Cell[][];
  readonly since: Date;
  rows: number;
  bytes: number;
}

/** Rows of a request that may still be refused. */
interface LoggedPart {
  readonly columns: readonly LogColumn[];
  readonly rows: readonly (readonly Cell[])[];
  readonly bytes: number;
}

interface LogFile {
  readonly key: string;
  readonly day: string;
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** A request that is logged once all its rows are answered. */
export interface LoggedRequest {
  /** @param numbers of the rows in the request, from 0 */
  add(
    block: RawBlock,
    model: LoadedModel,
    answers: RowPredictions,
    numbers: (row: number) => number,
  ): void;
  /** Adds the rows to the log. */
  commit(): void;
}

/**
 * Samples requests with their answers into the bucket, as Arrow files under `requests/PIPELINE/DAY/`. It never makes a
 * request wait or fail: what does not fit is dropped and counted.
 */
export class RequestLog {
  readonly options: LogOptions;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  /** A part of the file names that differs for each server. */
  readonly #server = randomBytes(4).toString('hex');
  readonly #buffers = new Map<string, Buffered>();
  #files: LogFile[] = [];
  #count = 0;
  /** The day of the last file, the bytes that the bucket has for it, and when they are measured again. */
  #day: { day: string; bytes: number; until: number } | undefined;
  #isWriting = false;
  #problem: string | undefined;
  written = { rows: 0, files: 0, bytes: 0 };
  dropped = 0;

  constructor(bucket: Bucket, pipeline: string, options: LogOptions) {
    this.options = options;
    this.#bucket = bucket;
    this.#prefix = `requests/${pipeline}/`;
  }

  /** Why rows wait or are dropped: a sentence, or undefined. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Bytes in memory. */
  get waiting(): number {
    const files = this.#files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return [...this.#buffers.values()].reduce((sum, { bytes }) => sum + bytes, files);
  }

  /** Rows in memory: they are in no file yet. */
  get waitingRows(): number {
    return [...this.#buffers.values(), ...this.#files].reduce((sum, { rows }) => sum + rows, 0);
  }

  /** The columns that are left out although none of these models reads them: a name may be misspelled. */
  listUnread(models: readonly LoadedModel[]): string[] {
    const read = new Set(
      models.flatMap(({ predictor }) => predictor.columns.map(({ name }) => name)),
    );
    return this.options.without.filter((name) => !read.has(name));
  }

  /** Begins the log of a request, if it is among those that are logged. */
  sample(request: string): LoggedRequest | undefined {
    if (Math.random() >= this.options.share) return undefined;
    const time = new Date();
    const parts: LoggedPart[] = [];
    let [bytes, tooMany] = [0, 0];
    return {
      add: (block, model, answers, numbers) => {
        if (tooMany > 0) {
          tooMany += block.rows;
          return;
        }
        const columns = this.#listColumns(model);
        const rows = Array.from({ length: block.rows }, (_, row) =>
          readRow(columns, block, row, model, answers, [time.getTime(), request, numbers(row)]),
        );
        const own = rows.reduce((sum, row) => sum + measure(row), 0);
        bytes += own;
        parts.push({ columns, rows, bytes: own });
        if (this.waiting + bytes <= MOST_WAITING) return;
        tooMany = parts.reduce((sum, part) => sum + part.rows.length, 0);
        parts.length = 0;
      },
      commit: () => {
        if (tooMany > 0) this.#drop(tooMany);
        for (const part of parts) this.#append(part, time);
      },
    };
  }

  /** Writes files until the signal is aborted. */
  async follow(signal: AbortSignal, onProblem: (sentence: string) => void): Promise<void> {
    let before = this.#problem;
    const report = (): void => {
      if (this.#problem !== undefined && this.#problem !== before) onProblem(this.#problem);
      before = this.#problem;
    };
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      report(); // rows may have been dropped meanwhile, and a file that is written removes the problem
      await underSignal(signal, () => this.write(MOST_AGE_MS));
      if (!signal.aborted) report();
    }
  }

  /** Writes what is left, once no request is answered any more and {@link follow} has returned. */
  async finish(onProblem: (sentence: string) => void): Promise<void> {
    await underSignal(AbortSignal.timeout(LAST_MS), () => this.write(0));
    if (this.waiting > 0) onProblem(this.#problem ?? 'the last rows of the log were not written');
  }

  /**
   * Writes the files that are full, and those whose first row is older.
   * @param age in milliseconds
   */
  async write(age: number): Promise<void> {
    for (const [key, buffered] of this.#buffers)
      if (Date.now() - buffered.since.getTime() >= age) this.#close(key, buffered);
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      for (let file = this.#files[0]; file !== undefined; file = this.#files[0]) {
        await this.#put(file);
        this.#files.shift();
      }
    } catch (error) {
      this.#problem = `the log of requests waits: ${messageOf(error)}`;
    } finally {
      this.#isWriting = false;
    }
  }

  async #put({ key, day, bytes, rows }: LogFile): Promise<void> {
    if (this.#day?.day !== day || Date.now() >= this.#day.until)
      this.#day = { day, bytes: await this.#measure(day), until: Date.now() + MEASURE_MS };
    if (this.#day.bytes + bytes.length > this.options.mostBytes) {
      this.dropped += rows;
      this.#problem = `the log of requests is full for ${day}, with ${this.#day.bytes} bytes: raise --log-most, or log a smaller share`;
      return;
    }
    const contentType = 'application/vnd.apache.arrow.file';
    await this.#bucket.put(key, bytes, { sha256: sha256(bytes), contentType });
    this.#day.bytes += bytes.length;
    this.written.rows += rows;
    this.written.files += 1;
    this.written.bytes += bytes.length;
    this.#problem = undefined;
  }

  async #measure(day: string): Promise<number> {
    let bytes = 0;
    for await (const { size } of this.#bucket.list(`${this.#prefix}${day}/`)) bytes += size;
    return bytes;
  }

  readonly #columns = new WeakMap<LoadedModel, readonly LogColumn[]>();

  #listColumns(model: LoadedModel): readonly LogColumn[] {
    let columns = this.#columns.get(model);
    if (columns === undefined) {
      const { predictor } = model;
      const isNumber = predictor.task === 'regression';
      const own: Record<(typeof OWN)[number], DataType> = {
        _time: timestamp(TimeUnit.MILLISECOND, 'UTC'),
        _request: utf8(),
        _row: int32(),
        _version: makeWordType(),
        _prediction: isNumber ? float64() : makeWordType(),
        _probability: float64(),
      };
      const hidden = new Set([...OWN, ...this.options.without]);
      const read = predictor.columns.filter(({ name }) => !hidden.has(name));
      for (const { name } of predictor.columns) hidden.add(name);
      const more = this.options.with.filter((name) => !hidden.has(name));
      columns = [
        ...OWN.map((name) => ({ name, type: own[name], isRead: false })),
        ...read.map(({ name, type }) => ({
          name,
          type: type === 'number' ? float64() : makeWordType(),
          isRead: true,
        })),
        ...more.map((name) => ({ name, type: utf8(), isRead: false })),
      ];
      this.#columns.set(model, columns);
    }
    return columns;
  }

  #drop(rows: number): void {
    this.dropped += rows;
    this.#problem ??= `the log of requests may have ${MOST_WAITING} bytes in memory: rows beyond them are dropped`;
  }

  #append({ columns, rows, bytes }: LoggedPart, since: Date): void {
    if (this.waiting + bytes > MOST_WAITING) {
      this.#drop(rows.length);
      return;
    }
    const key = JSON.stringify(columns.map(({ name, type }) => [name, type.typeId]));
    let buffered = this.#buffers.get(key);
    if (buffered === undefined) {
      buffered = { columns, cells: columns.map(() => []), since, rows: 0, bytes: 0 };
      this.#buffers.set(key, buffered);
    }
    for (const row of rows)
      for (const [column, cell] of row.entries()) buffered.cells[column]!.push(cell);
    buffered.rows += rows.length;
    buffered.bytes += bytes;
    if (buffered.rows >= MOST_ROWS) this.#close(key, buffered);
  }

  /** Makes a file of rows that wait. */
  #close(key: string, { columns, cells, since, rows }: Buffered): void {
    this.#buffers.delete(key);
    const time = since.toISOString();
    const [day, clock] = [time.slice(0, 10), time.slice(11, 19).replaceAll(':', '')];
    const entries = columns.map(({ name }, i): [string, Cell[]] => [name, cells[i]!]);
    const bytes = table(entries).toArrowIPC({
      format: 'file',
      types: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
    });
    const name = `${clock}-${this.#server}-${++this.#count}.arrow`;
    this.#files.push({ key: `${this.#prefix}${day}/${name}`, day, bytes, rows });
  }
}

/** Makes a new type for each column, because two columns cannot share a dictionary. */
function makeWordType(): DataType {
  return dictionary(utf8(), int32());
}

/** The cells of a row in the order of the columns. */
function readRow(
  columns: readonly LogColumn[],
  block: RawBlock,
  row: number,
  model: LoadedModel,
  { predictions, shares }: RowPredictions,
  first: readonly Cell[],
): Cell[] {
  const { predictor } = model;
  const label = predictions[row]!;
  const prediction = predictor.task === 'regression' ? Number(label) : predictor.findWord(label);
  const share = shares?.[row]?.[predictor.classes!.indexOf(label)] ?? null;
  const cells = columns.slice(OWN.length).map(({ name, isRead }): Cell => {
    const value = block.valueOf(name, row);
    return isRead ? predictor.readCell(name, value) : formatValue(value);
  });
  return [...first, nameBuild(model), prediction, share, ...cells];
}

/** A value of a column that the model does not read, as text. */
function formatValue(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** About the bytes that the cells of a row have in memory. */
function measure(row: readonly Cell[]): number {
  return row.reduce<number>(
    (sum, cell) => sum + (typeof cell === 'string' ? 2 * cell.length + 16 : 8),
    0,
  );
}
