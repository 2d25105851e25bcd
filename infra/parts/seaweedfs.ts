import { join } from 'node:path';
import { messageOf } from '../../contract/failures.ts';
import { findHttpProblem } from '../health.ts';
import { GRPC_OFFSET, namePortVariable } from '../ports.ts';
import type { Part, Plan } from './part.ts';

/** SeaweedFS in one process, with only what S3 needs. */
export function seaweedPart({ dir, ports, inner, credentials, venv }: Plan): Part {
  const url = `http://127.0.0.1:${ports.s3}`;
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
    env: { ...credentials },
    hide: /^(AWS_|S3_|WEED_)/,
    ports: [{ port: ports.s3, variable: namePortVariable('s3') }],
    needs: [],
    edition: venv.stamp,
    // 403 means that the gateway has loaded its users. Before that it answers 5xx.
    problem: async () =>
      (await findHttpProblem(`${url}/`, [200, 403])) ??
      (await findVolumesProblem(`http://127.0.0.1:${inner['seaweedMaster']}/dir/status`)),
    startMs: 60_000,
    stopMs: 15_000,
  };
}

/**
 * The gateway may answer five seconds before the volume server has reported its volumes to the master
 * (2 of 18 restarts after a kill -9). Until then every read and write fails.
 */
async function findVolumesProblem(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
    const status = (await response.json()) as { Topology?: { Max?: number } };
    return (status.Topology?.Max ?? 0) > 0 ? undefined : 'its volumes are not registered yet';
  } catch (error) {
    return `its master does not answer (${messageOf(error)})`;
  }
}
