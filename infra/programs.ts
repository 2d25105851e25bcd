import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { messageOf, SetupError } from '../contract/failures.ts';
import { ensurePython, isInstalled, type Venv, describeVenv } from './python.ts';
import type { Report, S3Kind } from './report.ts';

/**
 * The programs of a stack: those of the Python environment under `base`, which is made if it is missing.
 * Without MLflow no part runs on Python: an installed environment then works even when its Python was
 * removed, and where no environment can be made, `temporal` and the S3 server on PATH are used.
 * @throws SetupError when neither is possible.
 */
export async function ensurePrograms(
  base: string,
  wanted: { mlflow: boolean; s3: S3Kind },
  report: Report,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Venv> {
  if (wanted.mlflow) return ensurePython(base, report, env);
  const programs = describeVenv(base);
  if (isInstalled(programs) && [programs.temporal, programs.weed].every(isProgram)) return programs;
  try {
    return await ensurePython(base, report, env);
  } catch (error) {
    const names = ['temporal', ...(wanted.s3 === 'seaweedfs' ? ['weed'] : [])];
    const found = names.map((name) => findOnPath(name, env));
    const [temporal, weed = programs.weed] = found;
    if (temporal === undefined || found.includes(undefined))
      throw new SetupError(
        `${messageOf(error)}; or put ${names.join(' and ')} on PATH: runs are tracked in a directory, which needs no Python`,
        { cause: error },
      );
    report({ part: 'stack', state: 'working', line: `without Python: ${found.join(', ')}` });
    return { ...programs, temporal, weed };
  }
}

/** The S3 server of a stack; `minio` is the path of its program when it is MinIO. */
export interface S3Choice {
  kind: S3Kind;
  minio?: string;
}

/**
 * Chooses the S3 server of a stack: the one that already keeps its objects, else the one asked for, else
 * MinIO when it is on PATH, else SeaweedFS.
 * @throws SetupError when another server than the one asked for keeps the objects, or when its program is missing.
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
  if (named === undefined || named === '') return findOnPath('minio', env);
  return isProgram(named) ? named : undefined;
}

/** The program of this name in the first folder of PATH that has one. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((at) => join(at, name)).find(isProgram);
}

/** Whether this process may run the file. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
