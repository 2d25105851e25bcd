import { CommanderError } from 'commander';
import { EXIT } from './context.ts';
import { BadParams, messageOf, RetrainError, SetupError } from '../contract/failures.ts';

/** A failure as it is reported: on stderr its sentence, with `--json` this document. */
export interface ReportedFailure {
  type: string;
  message: string;
  stage: string | null;
}

/** Describes an error of this program or of Temporal's client in a sentence. */
export async function describeFailure(error: unknown): Promise<ReportedFailure> {
  if (error instanceof RetrainError)
    return { type: error.name, message: error.message, stage: null };
  if (error instanceof CommanderError)
    return { type: 'BadParams', message: error.message.replace(/^error: /, ''), stage: null };
  if (isSystemError(error))
    return {
      type: 'SetupError',
      message: `${error.path} cannot be used (${error.message.replace(/,.*/s, '')}): check its permissions, and the space on its disk`,
      stage: null,
    };
  const temporal = await loadTemporal();
  if (
    error instanceof temporal.WorkflowFailedError ||
    error instanceof temporal.WorkflowUpdateFailedError
  )
    return describeCause(error.cause, temporal);
  if (error instanceof temporal.NamespaceNotFoundError) {
    const { noNamespace, readTemporalLocation } = await import('../config/connections.ts');
    return describeFailure(noNamespace(readTemporalLocation(), error));
  }
  if (error instanceof temporal.ServiceError && temporal.isGrpcServiceError(error.cause))
    return describeFailure(error.cause);
  if (temporal.isGrpcServiceError(error))
    return {
      type: 'SetupError',
      message: `Temporal refused the request (${error.details}): check its address, its namespace, and that a worker runs`,
      stage: null,
    };
  return {
    type: error instanceof Error ? error.name : 'Error',
    message: `an unexpected error, which is a fault of this program: ${messageOf(error)}`,
    stage: null,
  };
}

type Temporal = typeof import('@temporalio/client');

/** Loaded only for an error that is not ours: it takes longer than all the rest of a command that needs no Temporal. */
function loadTemporal(): Promise<Temporal> {
  return import('@temporalio/client');
}

function describeCause(failure: unknown, temporal: Temporal): ReportedFailure {
  const { ActivityFailure, ApplicationFailure, CancelledFailure } = temporal;
  const { ChildWorkflowFailure, TerminatedFailure } = temporal;
  // These say only that an activity or a child failed: their cause says why.
  const isOuter = failure instanceof ActivityFailure || failure instanceof ChildWorkflowFailure;
  const cause = isOuter && failure.cause !== undefined ? failure.cause : failure;
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
export async function chooseExitCode(error: unknown): Promise<number> {
  const setup = ['StorageUnavailable', 'StorageRefused', 'TrackingUnavailable', 'TrackingRefused'];
  if (error instanceof BadParams || error instanceof CommanderError) return EXIT.usage;
  if (error instanceof SetupError || isSystemError(error)) return EXIT.setup;
  if (error instanceof RetrainError) return setup.includes(error.name) ? EXIT.setup : EXIT.failed;
  const { isGrpcServiceError, NamespaceNotFoundError, ServiceError } = await loadTemporal();
  if (isGrpcServiceError(error) || error instanceof ServiceError) return EXIT.setup;
  return error instanceof NamespaceNotFoundError ? EXIT.setup : EXIT.failed;
}

/** Whether an error is the operating system's refusal of a file or folder. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException & { path: string } {
  const { code, path } = error as Partial<NodeJS.ErrnoException>;
  return error instanceof Error && typeof code === 'string' && typeof path === 'string';
}
