import type { Healed } from '../contract/stages.ts';
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
} from '@temporalio/workflow';

/**
 * Turns the failure of a stage into the failure of the workflow, so that its page begins with the sentence of the
 * error. It has no stack trace and no cause, because the failure of the activity in the history has them. A
 * cancellation is returned unchanged.
 */
export function toWorkflowFailure(error: unknown, stage: string | undefined): unknown {
  if (isCancellation(error)) return error;
  const cause =
    error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure)) return error;
  const [facts] = (cause.details ?? []) as [object?];
  // The client needs the facts, such as the object that is damaged. Those of a child name its stage.
  const details = { stage: null, ...facts, ...(stage === undefined ? {} : { stage }) };
  return makeFailure(cause.message, cause.type ?? 'Error', details);
}

/** A failure that no retry can change. It has no stack trace, so that its page begins with the sentence. */
export function makeFailure(sentence: string, type: string, details: object): ApplicationFailure {
  const failure = ApplicationFailure.create({
    message: sentence,
    type,
    nonRetryable: true,
    details: [details],
  });
  failure.stack = '';
  return failure;
}

/** The missing or damaged object that made a stage fail; undefined if it failed for another reason. */
export function findDamaged(error: unknown): Healed | undefined {
  const cause = findCause(error, 'DamagedArtifact');
  const [facts] = (cause?.details ?? []) as { ref?: Healed }[];
  return facts?.ref === undefined ? undefined : { path: facts.ref.path, md5: facts.ref.md5 };
}

/** Whether a stage failed because training was logged to an MLflow server that is no longer the one in use. */
export function hasTrackingMoved(error: unknown): boolean {
  return findCause(error, 'TrackingMoved') !== undefined;
}

function findCause(error: unknown, type: string): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === type ? cause : undefined;
}
