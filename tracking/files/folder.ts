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
import { RETRAIN } from '../../contract/command.ts';

/** A file that identifies the folder, also after it is moved or mounted elsewhere. MLflow ignores it. */
const IDENTITY = '.retrain-id';

/**
 * The folder in which files are written before they are moved to their place. MLflow would read a partly
 * written file among params or metrics as one of them. It reads every folder here as an experiment, except
 * folders whose names end in `.trash`.
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

  /** Returns the URI and the identity of the folder: `/srv/mlruns` of another machine is another folder. */
  place(): string {
    try {
      return `${this.uri}#${readFileSync(join(this.path, IDENTITY), 'utf8').trim()}`;
    } catch {
      return this.uri; // not created yet
    }
  }

  /** Creates the folder with its identity, if it does not exist. */
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

  /** Returns a path inside the folder. */
  at(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Runs a file operation, and turns its failure into an error of tracking. */
  async do<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw isReported(error) ? error : fsFailure(this.path, error);
    }
  }

  /** Runs work that reads and then writes. For each `name` one piece of work runs at a time, in all processes. */
  alone<T>(name: string, act: () => Promise<T>): Promise<T> {
    return withFileLock(this.#lock(name), act);
  }

  /** Returns a file's text; undefined when there is no such file. */
  async read(path: string): Promise<string | undefined> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw error;
    }
  }

  /** Writes a file by one rename, and replaces a file that is there. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    await this.#enter(path, (draft) => writeFile(draft, content, { flush: true }));
  }

  /** Copies a file by one rename, and replaces a file that is there. Memory does not grow with it. */
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
   * Creates a folder with its contents by one rename.
   * @returns false when the folder exists already; it stays as it is
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

  /** Returns the names of the folders in a folder; none when there is no such folder. */
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

/** Errors that may pass: a disk that is full or busy, no free handle, a network share that is disconnected. */
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
function fsFailure(folder: string, error: unknown): TrackingRefused | TrackingUnavailable {
  const { code } = error as NodeJS.ErrnoException;
  const what = `the tracking directory ${folder} cannot be used (${code ?? messageOf(error)})`;
  if (code !== undefined && PASSING.has(code))
    return new TrackingUnavailable(`${what}: free space on its disk, or check the disk`, {
      cause: error,
    });
  return new TrackingRefused(
    `${what}: check its permissions and what is at that path, or set another mlflow.tracking_uri`,
    { cause: error },
  );
}

/** The error for a run that does not exist. */
export function noRun(folder: string, runId: string): TrackingRefused {
  return new TrackingRefused(
    `run ${runId} is not in the tracking directory ${folder}: log its version again with "${RETRAIN} log N"`,
    { details: { code: 'RESOURCE_DOES_NOT_EXIST' } },
  );
}

/** Whether an error is one of this project already, or the caller's abort. */
function isReported(error: unknown): boolean {
  return error instanceof RetrainError || (error as Error | undefined)?.name === 'AbortError';
}

export function isMissingFile(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Returns the folder of a model of an experiment. */
export function modelPath(folder: Folder, experimentId: string, modelId: string): string {
  return folder.at(experimentId, 'models', modelId);
}
