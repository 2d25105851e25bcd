import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../contract/failures.ts';
import { isProgram, onPath } from './on-path.ts';
import type { S3Kind } from './types.ts';

/** The S3 server of a stack; `minio` is its binary when it is MinIO. */
export interface S3Choice {
  kind: S3Kind;
  minio?: string;
}

/**
 * Which S3 server a stack runs: the one that already keeps its objects, else the one asked for, else
 * MinIO when it is on PATH, else SeaweedFS.
 * @throws SetupError when the objects are kept by another server than the one asked for, or its binary is gone.
 */
export function chooseS3(
  dir: string,
  asked: S3Kind | undefined,
  env: NodeJS.ProcessEnv = process.env,
): S3Choice {
  const kept = (['seaweedfs', 'minio'] as const).find((kind) => existsSync(join(dir, kind)));
  if (kept !== undefined && asked !== undefined && kept !== asked) {
    throw new SetupError(
      `the objects in ${dir} are kept by ${kept}, not ${asked}: leave the choice out, or start a stack in another folder`,
    );
  }
  const minio = findMinio(env);
  const kind = kept ?? asked ?? (minio === undefined ? 'seaweedfs' : 'minio');
  if (kind === 'seaweedfs') return { kind };
  if (minio !== undefined) return { kind, minio };
  throw new SetupError(
    `no "minio" is on PATH${kept === undefined ? '' : `, and it keeps the objects in ${dir}`}: build one with "go install github.com/minio/minio@latest", or give its path in RETRAIN_MINIO`,
  );
}

function findMinio(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['RETRAIN_MINIO'];
  if (named === undefined || named === '') return onPath('minio', env);
  return isProgram(named) ? named : undefined;
}
