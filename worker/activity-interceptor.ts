import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { progressOf } from '../activities/execution.ts';
import { messageOf, RetrainError } from '../contract/failures.ts';
import { underSignal } from '../store/signal.ts';

/** Often enough that a cancellation is seen within a second or so: it arrives with a heartbeat. */
const HEARTBEAT_MS = 500;

/** Tries of an activity that fails with an error we have no name for, which is a fault of ours. */
const UNKNOWN_ERROR_TRIES = 5;

/** Around every activity: heartbeats while it runs, its requests to the store ended with it, and its errors as Temporal's, typed and retryable or not. */
export function activityInterceptor(context: Context): ActivityInboundCallsInterceptor {
  return {
    async execute(input, next) {
      const heart = setInterval(() => context.heartbeat(progressOf(context)), HEARTBEAT_MS);
      try {
        return await underSignal(context.cancellationSignal, () => next(input));
      } catch (error) {
        throw failureOf(error, context);
      } finally {
        clearInterval(heart);
      }
    },
  };
}

/** What an activity threw, as the failure Temporal records. */
export function failureOf(error: unknown, context: Context): unknown {
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
