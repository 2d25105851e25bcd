import type { Healed } from '../activities/contract.ts';
import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';

/**
 * A stage's failure as the workflow's own, so that the first thing a person reads is the sentence that
 * says what happened. Cancellation stays what it is.
 */
export function failureOf(error: unknown, stage: string | undefined): unknown {
  if (isCancellation(error)) return error;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) return error;
  return ApplicationFailure.create({
    message: cause.message,
    type: cause.type ?? 'Error',
    nonRetryable: true,
    details: [{ stage: stage ?? null }],
    cause: cause,
  });
}

/** The object that a stage found missing or damaged, if that is why it failed. */
export function damagedBy(error: unknown): Healed | undefined {
  if (!(error instanceof ActivityFailure)) return undefined;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || cause.type !== 'DamagedArtifact') return undefined;
  const [facts] = (cause.details ?? []) as { ref?: Healed }[];
  return facts?.ref === undefined ? undefined : { path: facts.ref.path, md5: facts.ref.md5 };
}
