/** The paths of artifacts in a working tree. A path is part of a reference, so it is part of every manifest. */

/** The name of a pipeline is part of keys, of workflow ids and of the names of models. */
export const PIPELINE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const DIGITS = 6; // as many as a batch number may have, so that names sort as numbers do

export function batchFile(batch: number): string {
  return `batch_${String(batch).padStart(DIGITS, '0')}.csv`;
}

export function partFile(batch: number): string {
  return `part_${String(batch).padStart(DIGITS, '0')}.arrow`;
}

export const RAW = 'data/raw';
/** The files that have arrived, each the raw data of a batch. */
export const RAW_FILES = 'data/raw/files/';
export const BATCHES = 'data/batches/';
export const MERGED = 'data/merged/';
export const TRAIN = 'data/processed/train/';
export const TEST = 'data/processed/test/';
export const PROCESSED = 'data/processed';

/** The path of the file that replaced a batch. Files of two batches can have the same name. */
export function amendedFile(batch: number, name: string): string {
  return `${RAW}/amended/batch_${String(batch).padStart(DIGITS, '0')}/${name}`;
}

/** The path of a later state of an append-only table: the rows after those of the batches that are cut. */
export function stateFile(after: number, name: string): string {
  return `${RAW}/after_batch_${String(after).padStart(DIGITS, '0')}/${name}`;
}

/** Whether the raw data of a table can be here: the first state of the table, or a later one. */
export function isTablePath(path: string): boolean {
  return /^data\/raw\/(after_batch_\d{6,}\/)?[^/]+$/.test(path);
}

/** Whether a relative path stays inside the folder it is joined to, on every system. */
export function isSafePath(path: string): boolean {
  return (
    path !== '' &&
    !/[\0\\]/.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/**
 * Whether a file may be written at this path in a person's working tree: it stays inside, and no part of it is
 * hidden, which programs read as settings, or `node_modules`, which Node runs. Some file systems ignore the
 * invisible characters in a name.
 */
export function isVisiblePath(path: string): boolean {
  return (
    isSafePath(path) &&
    !/\p{Cc}/u.test(path) &&
    path
      .replaceAll(/\p{Cf}/gu, '')
      .split('/')
      .every((part) => !/^(\.|node_modules$)/i.test(part.trim()) && part.trim() !== '')
  );
}

export function modelFolder(batch: number): string {
  return `models/batch_${batch}`;
}

export function metricsFile(batch: number): string {
  return `metrics/batch_${batch}.json`;
}

export function reportFile(batch: number): string {
  return `reports/batch_${batch}.html`;
}

export function decisionFile(batch: number): string {
  return `decisions/batch_${batch}.json`;
}
