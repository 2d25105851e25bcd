import { readFile, realpath } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadData, BadParams, messageOf } from '../errors.ts';
import type { Settings } from '../store/ledger.ts';
import { at, isSafePath, type Ref } from '../store/ref.ts';
import type { GetDataRequest } from './contract.ts';
import type { Deps } from './deps.ts';
import { RAW } from './paths.ts';

/**
 * What `data.source` names: the built-in data set, a file or, ending in `/`, a folder by its base name, or
 * a prefix of a bucket in full.
 */
export function sourceIdentity(source: string): Settings['source'] {
  if (source.endsWith('/'))
    return source.startsWith('s3://')
      ? { kind: 'prefix', name: source }
      : { kind: 'folder', name: basename(source) };
  return source === 'iris'
    ? { kind: 'iris', name: 'iris' }
    : { kind: 'file', name: basename(source) };
}

/**
 * Brings the raw data into the store, unless the client has uploaded it already.
 * @throws BadData when the file is not there, or lies outside the project folder.
 */
export async function fetchSource(
  deps: Deps,
  { params, source: uploaded, damaged }: GetDataRequest,
): Promise<Ref> {
  const { source } = params.data;
  const { kind, name } = sourceIdentity(source);
  if (!isSafePath(name))
    throw new BadParams(`data.source ${source} names no file: give the path of a CSV file`);
  // What is uploaded gets its place from the source's name, not from what a caller says.
  if (uploaded !== null) return at(`${RAW}/${name}`, uploaded);
  const bytes = kind === 'iris' ? await readIris() : await readLocal(deps.root, source);
  const file = kind === 'iris' ? 'iris.csv' : name;
  const rewrite = damaged.length > 0;
  return deps.store.artifacts.put(`${RAW}/${file}`, bytes, { rewrite });
}

/** The built-in data set. */
export async function readIris(): Promise<Uint8Array> {
  return readFile(fileURLToPath(new URL('./datasets/iris.csv', import.meta.url)));
}

async function readLocal(root: string, source: string): Promise<Uint8Array> {
  const path = resolve(root, source);
  try {
    await checkInside(root, path, source);
    return await readFile(path);
  } catch (error) {
    if (error instanceof BadData) throw error;
    throw new BadData(
      `data.source ${source} cannot be read on the worker (${messageOf(error)}): start the run with the client where the file is, and it uploads it`,
      { cause: error },
    );
  }
}

/**
 * A run may be started by anyone who reaches Temporal, so a worker reads files of its project folder only.
 * @throws BadData when the path leads elsewhere, or to something hidden
 */
export async function checkInside(root: string, path: string, source: string): Promise<void> {
  const inside = relative(await realpath(root), await realpath(path));
  if (inside.startsWith('..') || isAbsolute(inside) || /(^|[\\/])\./.test(inside))
    throw new BadData(
      `data.source ${source} lies outside the worker's project folder, or is hidden in it: start the run with the client, which uploads it`,
    );
}
