import {
  isGrpcServiceError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { BadParams, messageOf, RetrainError, SetupError } from '../errors.ts';
import { EXIT } from './exit.ts';

/** A failure as it is told: on stderr in one sentence, in `--json` as this. */
export interface ToldFailure {
  type: string;
  message: string;
  stage: string | null;
}

/** Reads whatever was thrown, by us or by Temporal's client, for a person. */
export function tell(error: unknown): ToldFailure {
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError)
    return tellCause(error.cause);
  if (error instanceof RetrainError)
    return { type: error.name, message: error.message, stage: null };
  if (isGrpcServiceError(error))
    return {
      type: 'SetupError',
      message: `Temporal did not do what was asked (${error.details}): check its address, namespace and that a worker runs`,
      stage: null,
    };
  return {
    type: error instanceof Error ? error.name : 'Error',
    message: `unexpected, and a fault in this program: ${messageOf(error)}`,
    stage: null,
  };
}

function tellCause(cause: unknown): ToldFailure {
  if (cause instanceof CancelledFailure)
    return { type: 'Cancelled', message: 'the run was cancelled', stage: null };
  if (cause instanceof TerminatedFailure)
    return {
      type: 'Terminated',
      message: `the run was terminated (${cause.message})`,
      stage: null,
    };
  if (!(cause instanceof ApplicationFailure))
    return { type: 'Error', message: messageOf(cause), stage: null };
  const [facts] = (cause.details ?? []) as { stage?: string }[];
  return { type: cause.type ?? 'Error', message: cause.message, stage: facts?.stage ?? null };
}

/** The exit code a failure ends the process with. */
export function exitCodeOf(error: unknown): number {
  const setup = ['StorageUnavailable', 'StorageRefused', 'TrackingUnavailable', 'TrackingRefused'];
  if (error instanceof BadParams) return EXIT.usage;
  if (error instanceof SetupError || isGrpcServiceError(error)) return EXIT.setup;
  if (error instanceof RetrainError && setup.includes(error.name)) return EXIT.setup;
  return EXIT.failed;
}
