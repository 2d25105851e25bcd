import type { Project } from './project.ts';

/** What may cross Temporal at most, in bytes of one payload. */
export const MOST_PAYLOAD = 8_192;

/** Bytes of the largest payload anywhere in a history: as it is fetched, or as JSON with base64. */
export function largestPayload(history: unknown): number {
  if (typeof history !== 'object' || history === null || history instanceof Uint8Array) return 0;
  const { data, metadata } = history as { data?: unknown; metadata?: unknown };
  if (metadata != null && data instanceof Uint8Array) return data.byteLength;
  if (metadata != null && typeof data === 'string') return Buffer.from(data, 'base64').byteLength;
  return Math.max(0, ...Object.values(history).map(largestPayload));
}

/** The same over every workflow that was run in a project's namespace, and how many those are. */
export async function largestPayloadIn({
  temporal,
}: Project): Promise<{ bytes: number; runs: number }> {
  const sizes: number[] = [];
  for await (const { workflowId, runId } of temporal.workflow.list())
    sizes.push(largestPayload(await temporal.workflow.getHandle(workflowId, runId).fetchHistory()));
  return { bytes: Math.max(0, ...sizes), runs: sizes.length };
}
