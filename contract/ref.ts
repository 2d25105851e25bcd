import { z } from 'zod';

/**
 * A reference to a stored artifact: all that ever crosses Temporal of it.
 *
 * For a file `md5` names its object in the DVC layout and `sha256` is the proof of its bytes. For a
 * directory `path` ends in `/`, `md5` ends in `.dir` (DVC's directory object), `sha256` is that of our
 * manifest and `size` the sum of its files, as DVC counts it.
 */
export interface Ref {
  /** Path in a working tree, `/`-separated, relative: `metrics/batch_2.json`. */
  path: string;
  /** 32 hex digits, followed by `.dir` for a directory. */
  md5: string;
  /** 64 hex digits. */
  sha256: string;
  /** Bytes. */
  size: number;
}

export const refSchema = z.strictObject({
  path: z.string().refine((path) => isSafePath(path.replace(/\/$/, '')), {
    message: 'not a path that stays inside its folder',
  }),
  md5: z.string().regex(/^[0-9a-f]{32}(\.dir)?$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().min(0),
});

export function isDirectory(ref: Ref): boolean {
  return ref.md5.endsWith('.dir');
}

/** The same content under another path. */
export function at(path: string, ref: Ref): Ref {
  return { ...ref, path };
}

/** Whether a relative path stays inside the folder it is joined to, on every system. */
export function isSafePath(path: string): boolean {
  return (
    path !== '' &&
    !/[\0\\]/.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** Identities in MLflow of one training attempt. */
export interface TrackedRun {
  /** Where its worker tracks; absent in results of an earlier program. */
  trackingUri?: string;
  experimentId: string;
  runId: string;
  modelName: string;
  /** Null where there is no registry of models: in a directory. */
  modelVersion: string | null;
  /** Where a person looks at them; shown, never used. */
  links?: { run: string; model?: string };
}
