import { join } from 'node:path';
import { messageOf } from '../../contract/failures.ts';
import { httpProblem } from '../http-check.ts';
import { portVariable } from '../ports.ts';
import type { Part, Plan } from './part.ts';

/** Ports of SeaweedFS's inner servers; each has a gRPC twin this far above it. */
export const SEAWEED_INNER = [
  'seaweedMaster',
  'seaweedVolume',
  'seaweedFiler',
  'seaweedAdmin',
  'seaweedS3',
];
export const GRPC_OFFSET = 10_000;

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
      // A bucket takes a volume at least, and there are as many as fit on the disk: small ones are many.
      '-master.volumeSizeLimitMB=128',
      `-s3.port=${ports.s3}`,
      `-s3.port.grpc=${(inner['seaweedS3'] ?? 0) + GRPC_OFFSET}`,
      ...port('master', 'seaweedMaster'),
      ...port('volume', 'seaweedVolume'),
      ...port('filer', 'seaweedFiler'),
      ...port('admin', 'seaweedAdmin'),
    ],
    cwd: join(dir, 'seaweedfs'),
    // In the environment, where other users' `ps` does not show it.
    env: { ...credentials },
    hide: /^(AWS_|S3_|WEED_)/,
    ports: [{ port: ports.s3, variable: portVariable('s3') }],
    needs: [],
    edition: venv.stamp,
    // A gateway that refuses a stranger has its users loaded; one that is not ready answers 5xx.
    problem: async () =>
      (await httpProblem(`${url}/`, [200, 403])) ??
      (await volumesProblem(`http://127.0.0.1:${inner['seaweedMaster']}/dir/status`)),
    startMs: 60_000,
    stopMs: 15_000,
  };
}

/**
 * The gateway may answer five seconds before the volume server has told the master of its volumes
 * (2 of 18 restarts after a kill -9), and until then every read and write fails.
 */
async function volumesProblem(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
    const status = (await response.json()) as { Topology?: { Max?: number } };
    return (status.Topology?.Max ?? 0) > 0 ? undefined : 'its volumes are not there yet';
  } catch (error) {
    return `its master does not answer (${messageOf(error)})`;
  }
}
