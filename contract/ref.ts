import { z } from 'zod';
import { isSafePath } from './paths.ts';

/**
 * A reference to a stored artifact. Only the reference crosses Temporal, never the bytes.
 *
 * For a file, `md5` names its object in DVC's layout and `sha256` checks its bytes. For a directory, `path` ends
 * in `/`, `md5` ends in `.dir` (DVC's directory object), `sha256` is the hash of our manifest, and `size` is the
 * sum of its files, as in DVC.
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
export function withPath(path: string, ref: Ref): Ref {
  return { ...ref, path };
}

/** The ids in MLflow of one training attempt. */
export interface TrackedRun {
  /** The server or directory that has the run; absent in results of an earlier program. */
  trackingUri?: string;
  experimentId: string;
  runId: string;
  modelName: string;
  /** Null in a directory, which has no registry of models. */
  modelVersion: string | null;
  /** Addresses for people. No code uses them. */
  links?: { run: string; model?: string };
}
