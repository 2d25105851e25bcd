import { GRPC_OFFSET, SEAWEED_INNER } from './parts/seaweedfs.ts';
import { freePorts, isFree } from './ports.ts';
import { liveProcess } from './process.ts';
import type { PartName } from './types.ts';

const OWNERS: [PartName, string[]][] = [
  ['temporal', ['temporalMetrics']],
  ['s3', SEAWEED_INNER],
];

/**
 * Ports for the servers' inner workings: those of the last time while they are free or in use by
 * the part itself, else other free ones. Nobody types them, so they need not be memorable.
 */
export async function settleInnerPorts(
  dir: string,
  last: Record<string, number> = {},
): Promise<Record<string, number>> {
  const settled: Record<string, number> = {};
  for (const [part, names] of OWNERS) {
    const kept = names.map((name) => last[name]).filter((port) => port !== undefined);
    const keep =
      kept.length === names.length &&
      (liveProcess(dir, part) !== undefined ||
        (
          await Promise.all(kept.flatMap((port) => [isFree(port), isFree(port + GRPC_OFFSET)]))
        ).every(Boolean));
    const taken = Object.values(settled);
    const fresh = keep ? kept : await freePorts(names.length + taken.length, [GRPC_OFFSET]);
    const ports = keep ? kept : fresh.filter((port) => !taken.includes(port));
    names.forEach((name, index) => (settled[name] = ports[index] ?? 0));
  }
  return settled;
}
