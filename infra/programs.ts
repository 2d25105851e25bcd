import { messageOf, SetupError } from '../contract/failures.ts';
import { onPath } from './on-path.ts';
import { ensurePython, hasServers, venvAt, type Venv } from './python.ts';
import type { Report, S3Kind } from './types.ts';

/**
 * The programs a stack runs: those of the Python environment under `base`, made if need be. Without
 * MLflow nothing of Python runs: what has been set up then needs none any more, and where none is to
 * be had `temporal` and the S3 server on PATH do.
 * @throws SetupError when there is no way to have them.
 */
export async function ensurePrograms(
  base: string,
  wanted: { mlflow: boolean; s3: S3Kind },
  report: Report,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Venv> {
  if (wanted.mlflow) return ensurePython(base, report, env);
  const programs = venvAt(base);
  if (hasServers(programs)) return programs;
  try {
    return await ensurePython(base, report, env);
  } catch (error) {
    const names = ['temporal', ...(wanted.s3 === 'seaweedfs' ? ['weed'] : [])];
    const found = names.map((name) => onPath(name, env));
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
