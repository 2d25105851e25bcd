import { z } from 'zod';
import { BadData } from '../contract/failures.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { byCodePoint } from '../contract/codepoints.ts';
import { md5, sha256 } from './hash.ts';
import { refSchema, type Ref } from '../contract/ref.ts';
import { isSafePath } from '../contract/paths.ts';

/** A directory's files, each with its path inside the directory, sorted by path in code-point order. */
export interface Manifest {
  schema: 1;
  files: Ref[];
}

export const manifestSchema = z.strictObject({
  schema: z.literal(1),
  files: z.array(refSchema),
});

/** A directory's two forms as bytes, and the reference of the directory at `path`. */
export interface EncodedDirectory {
  ref: Ref;
  manifest: Uint8Array;
  dvcDir: Uint8Array;
}

/**
 * Encodes the directory `path` (ending in `/`). The paths of its files are relative to it.
 * @throws BadData when two files have one path, or a path leads out of the directory
 */
export function encodeDirectory(path: string, files: readonly Ref[]): EncodedDirectory {
  const sorted = files.toSorted((a, b) => byCodePoint(a.path, b.path));
  for (const [i, file] of sorted.entries()) {
    if (!isSafePath(file.path))
      throw new BadData(`${path}${file.path} is not a path inside its directory: rename it`);
    if (sorted[i - 1]?.path === file.path)
      throw new BadData(`${path}${file.path} is listed twice: give each file another name`);
  }
  const manifest = Buffer.from(canonicalJson({ schema: 1, files: sorted } satisfies Manifest));
  const dvcDir = encodeDvcDir(sorted);
  const size = sorted.reduce((sum, file) => sum + file.size, 0);
  return {
    ref: { path, md5: `${md5(dvcDir)}.dir`, sha256: sha256(manifest), size },
    manifest,
    dvcDir,
  };
}

/**
 * The bytes of DVC's directory object: Python's `json.dumps(entries, sort_keys=True)`, checked against
 * DVC 3.67. Files must be sorted by path in code-point order.
 */
export function encodeDvcDir(files: readonly Pick<Ref, 'md5' | 'path'>[]): Uint8Array {
  const entries = files.map(
    (file) => `{"md5": ${pythonString(file.md5)}, "relpath": ${pythonString(file.path)}}`,
  );
  return Buffer.from(`[${entries.join(', ')}]`, 'ascii');
}

/** A string as Python's `json.dumps` writes it: everything outside printable ASCII as `\uXXXX`, lower case. */
function pythonString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
