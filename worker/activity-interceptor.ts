import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { readLastProgress } from '../activities/run-stage.ts';
import { messageOf, RetrainError } from '../contract/failures.ts';
import { underSignal } from '../store/signal.ts';

/** The time between heartbeats. A cancellation arrives with the answer to one, so it is delayed by at most this. */
const HEARTBEAT_MS = 500;

/** Attempts of an activity that fails with an unexpected error, which is a bug in this program. */
const UNKNOWN_ERROR_TRIES = 5;

/**
 * Wraps every activity. It sends heartbeats while the activity runs, aborts its requests to the store when it
 * is cancelled, and turns its errors into Temporal's failures, with a type and whether a retry helps.
 */
export function activityInterceptor(context: Context): ActivityInboundCallsInterceptor {
  return {
    async execute(input, next) {
      const heart = setInterval(() => context.heartbeat(readLastProgress(context)), HEARTBEAT_MS);
      try {
        return await underSignal(context.cancellationSignal, () => next(input));
      } catch (error) {
        throw toTemporalFailure(error, context);
      } finally {
        clearInterval(heart);
      }
    },
  };
}

/** Turns an error of an activity into the failure that Temporal records. */
export function toTemporalFailure(error: unknown, context: Context): unknown {
  if (error instanceof CancelledFailure) return error;
  if (context.cancellationSignal.aborted) return new CancelledFailure('the stage was cancelled');
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof RetrainError)
    return ApplicationFailure.create({
      message: error.message,
      type: error.name,
      nonRetryable: !error.retryable,
      details: [error.details],
      ...(error.cause instanceof Error ? { cause: error.cause } : {}),
    });
  return ApplicationFailure.create({
    message: `an unexpected error, which is a fault in this program: ${messageOf(error)}`,
    type: error instanceof Error ? error.name : 'Error',
    nonRetryable: context.info.attempt >= UNKNOWN_ERROR_TRIES,
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
