import { join } from 'node:path';
import { findHttpProblem } from '../health.ts';
import { namePortVariable } from '../ports.ts';
import type { Part, Plan } from './part.ts';

/** MinIO, run from a program found on this machine, on the same port as SeaweedFS. */
export function minioPart({ dir, ports, credentials }: Plan, binary: string): Part {
  const url = `http://127.0.0.1:${ports.s3}`;
  return {
    name: 's3',
    title: 'S3 (MinIO)',
    url,
    command: [binary, 'server', '--quiet', '--address', `127.0.0.1:${ports.s3}`, 'data'],
    cwd: join(dir, 'minio'),
    env: {
      MINIO_ROOT_USER: credentials.AWS_ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: credentials.AWS_SECRET_ACCESS_KEY,
      MINIO_BROWSER: 'off', // the console needs another port
      MINIO_UPDATE: 'off',
    },
    hide: /^(AWS_|MINIO_)/,
    ports: [{ port: ports.s3, variable: namePortVariable('s3') }],
    needs: [],
    problem: () => findHttpProblem(`${url}/minio/health/ready`),
    startMs: 60_000,
    stopMs: 15_000,
  };
}
