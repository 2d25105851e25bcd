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
