import { BadParams } from '../contract/failures.ts';
import { hashOf } from '../store/hash.ts';
import type { Settings } from '../store/ledger/ledger.ts';
import { isSafePath } from '../contract/paths.ts';
import { parseUrl } from '../contract/source-url.ts';
import { nameSetting } from '../contract/wrong-value.ts';

export type SourceKind = Settings['source']['kind'];

/** The identity of a source. The ledger keeps it, and another source needs another pipeline. */
export type SourceIdentity = Settings['source'];

/** Returns the kind of the source that `data.source` names. */
export function kindOf(source: string): SourceKind {
  if (source === 'iris') return 'iris';
  if (/^https?:\/\//i.test(source)) return 'url';
  if (source.startsWith('s3://')) return source.endsWith('/') ? 'prefix' : 's3';
  if (source.startsWith('dvc://')) return 'dvc';
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(source))
    throw new BadParams(
      `data.source ${source.split('//')[0]}//… is not a known source: give iris, a path, an http(s) URL, s3://bucket/key or dvc://path/to/file.dvc`,
    );
  return source.endsWith('/') ? 'folder' : 'file';
}

/**
 * Returns the identity of the source that `data.source` names. It has no parts that may change (the folder of a
 * file, its compression) and none that must not be shown (the query of a URL).
 * @throws BadParams when it is not a source
 */
export function sourceIdentity(source: string): SourceIdentity {
  const kind = kindOf(source);
  if (kind === 'iris') return { kind, name: 'iris' };
  if (kind === 'url') return { kind, name: hideQuery(source) };
  const full = kind === 's3' || kind === 'prefix';
  return { kind, name: full ? source : lastName(source) };
}

/**
 * Checks the form of a source: whether it can exist, not whether it does.
 * @throws BadParams when it is not a source
 */
export function checkForm(source: string): void {
  const { kind } = sourceIdentity(source);
  if (kind === 's3') parseS3Address(source);
  if (kind === 'prefix') parsePrefix(source);
}

/**
 * Returns the bucket and key of an `s3://` address.
 * @throws BadParams when it has no key, or when the name of the bucket is not valid
 */
export function parseS3Address(source: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(source) ?? [];
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && key !== '') return { bucket, key };
  throw new BadParams(
    `${nameSetting('data.source', source)} is not an object of S3: give s3://bucket/key, with the bucket in lower case`,
  );
}

/** The parts of `s3://bucket/prefix/`. */
interface PrefixName {
  bucket: string;
  /** Empty, or ends in `/`. */
  prefix: string;
}

/** @throws BadParams when the source has no bucket or does not end in `/` */
export function parsePrefix(source: string): PrefixName {
  const [, bucket, prefix] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/((?:.*\/)?)$/s.exec(source) ?? [];
  if (bucket === undefined || prefix === undefined)
    throw new BadParams(
      `${nameSetting('data.source', source)} is not a prefix: write it as s3://bucket/prefix/`,
    );
  return { bucket, prefix };
}

/** Returns the name of a source's text in a working tree, where no file is hidden: `wine.csv` for `in/.wine.csv.gz`. */
export function fileName(source: string): string {
  return lastName(source).replace(/^[.\s]+/, '') || 'data.csv';
}

function lastName(source: string): string {
  const kind = kindOf(source);
  if (kind === 'iris') return 'iris.csv';
  const path = kind === 'url' ? tryDecode(new URL(source).pathname) : source;
  const last =
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1) ?? '';
  const name = last.replace(kind === 'dvc' ? /\.dvc$/ : /$^/, '').replace(/\.gz$/i, '');
  if (isSafePath(name) && !/\p{Cc}/u.test(name)) return name;
  if (kind === 'url') return 'data.csv';
  throw new BadParams(
    `${nameSetting('data.source', source)} is not the name of a file: give the path of a CSV file`,
  );
}

/** Returns a URL with a short hash in place of its query, which may be private. */
function hideQuery(source: string): string {
  const url = parseUrl(source);
  const query = url.search === '' ? '' : `?${hashOf(url.search).slice(0, 8)}`;
  return `${url.origin}${url.pathname}${query}`;
}

function tryDecode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
