import type { Part, Plan } from './part.ts';
import { minioPart } from './minio.ts';
import { mlflowPart } from './mlflow.ts';
import { seaweedPart } from './seaweedfs.ts';
import { temporalPart } from './temporal.ts';
import { workerPart } from './worker.ts';

export type { Part, Plan } from './part.ts';

/** Every part of a stack; `minio` is that server's binary, where it keeps the objects. */
export function makeParts(
  plan: Plan,
  minio: string | undefined,
  workerEnv?: Record<string, string>,
): Part[] {
  const s3 = minio === undefined ? seaweedPart(plan) : minioPart(plan, minio);
  return [temporalPart(plan), s3, mlflowPart(plan), workerPart(plan, workerEnv)];
}
