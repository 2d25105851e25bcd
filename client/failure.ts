import {
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { CommanderError } from 'commander';
import { noNamespace, readTemporalLocation } from '../config/connections.ts';
import { EXIT } from './context.ts';
import { BadParams, messageOf, RetrainError, SetupError } from '../contract/failures.ts';

/** A failure as it is reported: on stderr its sentence, with `--json` this document. */
export interface ReportedFailure {
  type: string;
  message: string;
  stage: string | null;
}

/** Describes an error of this program or of Temporal's client in a sentence. */
export function describeFailure(error: unknown): ReportedFailure {
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError)
    return describeCause(error.cause);
  if (error instanceof RetrainError)
    return { type: error.name, message: error.message, stage: null };
  if (error instanceof NamespaceNotFoundError)
    return describeFailure(noNamespace(readTemporalLocation(), error));
  if (error instanceof CommanderError)
    return { type: 'BadParams', message: error.message.replace(/^error: /, ''), stage: null };
  if (isSystemError(error))
    return {
      type: 'SetupError',
      message: `${error.path} cannot be used (${error.message.replace(/,.*/s, '')}): check its permissions, and the space on its disk`,
      stage: null,
    };
  if (error instanceof ServiceError && isGrpcServiceError(error.cause))
    return describeFailure(error.cause);
  if (isGrpcServiceError(error))
    return {
      type: 'SetupError',
      message: `Temporal refused the request (${error.details}): check its address, its namespace, and that a worker runs`,
      stage: null,
    };
  return {
    type: error instanceof Error ? error.name : 'Error',
    message: `unexpected, and a fault in this program: ${messageOf(error)}`,
    stage: null,
  };
}

function describeCause(cause: unknown): ReportedFailure {
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

/** The exit code that a failure ends the process with. */
export function chooseExitCode(error: unknown): number {
  const setup = ['StorageUnavailable', 'StorageRefused', 'TrackingUnavailable', 'TrackingRefused'];
  if (error instanceof BadParams || error instanceof CommanderError) return EXIT.usage;
  if (error instanceof SetupError || isSystemError(error)) return EXIT.setup;
  if (isGrpcServiceError(error) || error instanceof ServiceError) return EXIT.setup;
  if (error instanceof NamespaceNotFoundError) return EXIT.setup;
  if (error instanceof RetrainError && setup.includes(error.name)) return EXIT.setup;
  return EXIT.failed;
}

/** Whether an error is the operating system's refusal of a file or folder. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException & { path: string } {
  const { code, path } = error as Partial<NodeJS.ErrnoException>;
  return error instanceof Error && typeof code === 'string' && typeof path === 'string';
}
