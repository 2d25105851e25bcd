import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { messageOf } from '../../contract/failures.ts';
import { deriveKey, listKeyFiles, type KeyFiles } from '../certificate.ts';
import { findHttpProblem } from '../health.ts';
import { GRPC_OFFSET, namePortVariable } from '../ports.ts';
import type { Part, Plan } from './part.ts';

/** The parts of SeaweedFS that call each other over gRPC. */
const COMPONENTS = ['MASTER', 'VOLUME', 'FILER', 'S3', 'ADMIN', 'WORKER', 'CLIENT'];

/**
 * Closes every port of SeaweedFS except S3 to other users of this machine. Otherwise they could read, change and
 * delete everything. gRPC and the master need a certificate, and the filer and the volumes a token, which only these
 * processes have (`weed scaffold -config=security` describes the settings).
 */
function lockedEnv({ cert, key }: KeyFiles, token: string): Record<string, string> {
  const tls = (name: string): [string, string][] => [
    [`WEED_${name}_CERT`, cert],
    [`WEED_${name}_KEY`, key],
  ];
  return {
    WEED_GRPC_CA: cert,
    ...Object.fromEntries(COMPONENTS.flatMap((name) => tls(`GRPC_${name}`))),
    ...Object.fromEntries(tls('HTTPS_MASTER')),
    WEED_HTTPS_MASTER_CA: cert,
    ...Object.fromEntries(
      ['', 'FILER_'].flatMap((of) => [
        [`WEED_JWT_${of}SIGNING_KEY`, token],
        [`WEED_JWT_${of}SIGNING_READ_KEY`, token],
      ]),
    ),
  };
}

/** SeaweedFS in one process, with only what S3 needs. */
export function seaweedPart({ dir, ports, inner, credentials, venv }: Plan): Part {
  const url = `http://127.0.0.1:${ports.s3}`;
  const keys = listKeyFiles(dir);
  const port = (flag: string, name: string): string[] => [
    `-${flag}.port=${inner[name]}`,
    `-${flag}.port.grpc=${(inner[name] ?? 0) + GRPC_OFFSET}`,
  ];
  return {
    name: 's3',
    title: 'S3 (SeaweedFS)',
    url,
    command: [
      venv.weed,
      'mini',
      '-dir=.',
      '-ip=127.0.0.1',
      '-ip.bind=127.0.0.1',
      '-webdav=false',
      '-admin.ui=false',
      '-s3.port.iceberg=0',
      '-s3.port.lance=0',
      '-master.telemetry=false',
      // Each bucket takes at least one volume, and the disk limits their number. Small volumes allow more buckets.
      '-master.volumeSizeLimitMB=128',
      `-s3.port=${ports.s3}`,
      `-s3.port.grpc=${(inner['seaweedS3'] ?? 0) + GRPC_OFFSET}`,
      ...port('master', 'seaweedMaster'),
      ...port('volume', 'seaweedVolume'),
      ...port('filer', 'seaweedFiler'),
      ...port('admin', 'seaweedAdmin'),
    ],
    cwd: join(dir, 'seaweedfs'),
    // Credentials go through the environment, which `ps` does not show to other users.
    env: {
      ...credentials,
      ...lockedEnv(keys, deriveKey(credentials.AWS_SECRET_ACCESS_KEY, 'seaweedfs')),
    },
    hide: /^(AWS_|S3_|WEED_)/,
    ports: [{ port: ports.s3, variable: namePortVariable('s3') }],
    needs: [],
    edition: () => venv.stamp,
    // 403 means that the gateway has loaded its users. Before that it answers 5xx.
    problem: async () =>
      (await findHttpProblem(`${url}/`, [200, 403])) ??
      (await findVolumesProblem(inner['seaweedMaster'] ?? 0, keys)),
    startMs: 60_000,
    stopMs: 15_000,
  };
}

/**
 * The gateway may answer five seconds before the volume server has reported its volumes to the master
 * (2 of 18 restarts after a kill -9). Until then every read and write fails.
 */
async function findVolumesProblem(port: number, keys: KeyFiles): Promise<string | undefined> {
  try {
    const status = JSON.parse(await readMaster(port, keys)) as { Topology?: { Max?: number } };
    return (status.Topology?.Max ?? 0) > 0 ? undefined : 'its volumes are not registered yet';
  } catch (error) {
    return `its master does not answer (${messageOf(error)})`;
  }
}

function readMaster(port: number, keys: KeyFiles): Promise<string> {
  const [cert, key] = [readFileSync(keys.cert), readFileSync(keys.key)];
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(3000);
    const options = { host: '127.0.0.1', port, path: '/dir/status', cert, key, ca: cert, signal };
    const asked = request({ ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    asked.on('error', reject).end();
  });
}
