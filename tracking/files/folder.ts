import { randomUUID } from 'node:crypto';
import { constants, createReadStream, readFileSync } from 'node:fs';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withFileLock } from '../../store/file-lock.ts';
import {
  messageOf,
  RetrainError,
  TrackingRefused,
  TrackingUnavailable,
} from '../../contract/failures.ts';

/** Says which folder this is, wherever it is mounted or moved to: a file, which MLflow passes by. */
const IDENTITY = '.retrain-id';

/**
 * Where files are made before they are moved into place. A file half written among params or metrics
 * would be read as one of them; MLflow takes every folder here for an experiment, less those whose
 * names end in `.trash`.
 */
const STAGING = '.retrain.trash';

/**
 * One `./mlruns` folder in the layout of MLflow's FileStore. Each file and folder in it appears whole or not at
 * all, also when other processes write.
 * https://github.com/mlflow/mlflow/blob/v3.17.0/mlflow/store/tracking/file_store.py
 */
export class Folder {
  readonly path: string;
  /** `file:///…`, without a slash at the end. */
  readonly uri: string;

  constructor(path: string) {
    this.path = path;
    this.uri = pathToFileURL(path).href;
  }

  /** The URI and which folder it is: another machine's `/srv/mlruns` is another. */
  place(): string {
    try {
      return `${this.uri}#${readFileSync(join(this.path, IDENTITY), 'utf8').trim()}`;
    } catch {
      return this.uri; // not made yet
    }
  }

  /** Makes what must be there before anything else, once. */
  async prepare(): Promise<void> {
    await this.do(async () => {
      await mkdir(this.at(STAGING), { recursive: true });
      await mkdir(this.at('.trash'), { recursive: true });
      await access(this.path, constants.W_OK);
      const identity = this.at(IDENTITY);
      if ((await this.read(identity)) === undefined)
        await withFileLock(this.#lock('folder'), async () => {
          if ((await this.read(identity)) !== undefined) return;
          const host = hostname().replace(/[^\w.-]/g, '_');
          await this.write(identity, `${host}-${randomUUID().slice(0, 8)}\n`);
        });
    });
  }

  /** A path inside. */
  at(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Runs a file operation, and turns its failure into one of tracking. */
  async do<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw ours(error) ? error : fsFailure(this.path, error);
    }
  }

  /** Runs something that reads and then writes, one at a time for each `name`, in all processes. */
  alone<T>(name: string, act: () => Promise<T>): Promise<T> {
    return withFileLock(this.#lock(name), act);
  }

  /** A file's text; undefined when there is none. */
  async read(path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw error;
    }
  }

  /** Writes a file in one move, over what may be there. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    await this.#enter(path, (draft) => writeFile(draft, content, { flush: true }));
  }

  /** Copies a file in one move, over what may be there, in memory that does not grow with it. */
  async copy(file: string, path: string): Promise<void> {
    await this.#enter(path, (draft) => writeFile(draft, createReadStream(file), { flush: true }));
  }

  async #enter(path: string, make: (draft: string) => Promise<void>): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const draft = this.draft();
    try {
      await make(draft);
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  /**
   * Makes a folder and what is in it in one move.
   * @returns false when there is one already: that one stays.
   */
  async create(path: string, fill: (draft: string) => Promise<void>): Promise<boolean> {
    const draft = this.draft();
    await mkdir(draft, { recursive: true });
    try {
      await fill(draft);
      await mkdir(dirname(path), { recursive: true });
      await rename(draft, path);
      return true;
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  }

  /** The folders in a folder, by name; none when there is no such folder. */
  async folders(path: string): Promise<string[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    } catch (error) {
      if (isMissingFile(error)) return [];
      throw error;
    }
  }

  draft(): string {
    return this.at(STAGING, randomUUID());
  }

  #lock(name: string): string {
    return this.at(STAGING, `${name}.lock`);
  }
}

/** Faults of a disk that may pass: it is full, busy, out of handles, or a share that went away. */
const PASSING = new Set([
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EBUSY',
  'EMFILE',
  'ENFILE',
  'ESTALE',
  'EAGAIN',
]);

/** Turns a failed file operation into an error that says how to fix it. */
export function fsFailure(folder: string, error: unknown): TrackingRefused | TrackingUnavailable {
  const { code } = error as NodeJS.ErrnoException;
  const what = `the tracking directory ${folder} cannot be used (${code ?? messageOf(error)})`;
  if (code !== undefined && PASSING.has(code))
    return new TrackingUnavailable(`${what}: make room on its disk, or see what holds it`, {
      cause: error,
    });
  return new TrackingRefused(
    `${what}: check its permissions and what is at that path, or set another mlflow.tracking_uri`,
    { cause: error },
  );
}

/** A run that is not here, or no longer. */
export function noRun(folder: string, runId: string): TrackingRefused {
  return new TrackingRefused(
    `run ${runId} is not in the tracking directory ${folder}: log its version again with "log N"`,
    { details: { code: 'RESOURCE_DOES_NOT_EXIST' } },
  );
}

/** Whether an error says already, in a sentence, what went wrong (or that the caller gave up). */
export function ours(error: unknown): boolean {
  return error instanceof RetrainError || (error as Error | undefined)?.name === 'AbortError';
}

export function isMissingFile(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** The folder of a model of an experiment. */
export function modelPath(folder: Folder, experimentId: string, modelId: string): string {
  return folder.at(experimentId, 'models', modelId);
}
