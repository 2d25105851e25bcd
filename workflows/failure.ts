import type { Healed } from '../contract/stages.ts';
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
} from '@temporalio/workflow';

/**
 * A stage's failure as the failure of the workflow, so that the first thing a person reads is the sentence
 * that says what happened. A cancellation is returned unchanged.
 */
export function failureOf(error: unknown, stage: string | undefined): unknown {
  if (isCancellation(error)) return error;
  const cause =
    error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? error.cause : error;
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
  const cause = causeOfType(error, 'DamagedArtifact');
  const [facts] = (cause?.details ?? []) as { ref?: Healed }[];
  return facts?.ref === undefined ? undefined : { path: facts.ref.path, md5: facts.ref.md5 };
}

/** Whether a stage failed because training was logged to another MLflow server than the one in use. */
export function trackingMoved(error: unknown): boolean {
  return causeOfType(error, 'TrackingMoved') !== undefined;
}

function causeOfType(error: unknown, type: string): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === type ? cause : undefined;
}
