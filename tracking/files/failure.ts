import {
  messageOf,
  RetrainError,
  TrackingRefused,
  TrackingUnavailable,
} from '../../contract/failures.ts';

/** Faults of a disk that may pass: it is full, busy, out of handles, or a share that went away. */
const PASSING = new Set([
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EBUSY',
  'EMFILE',
  'ENFILE',
  'ESTALE',
  'EAGAIN',
]);

/** What a failed file operation means, and how to mend it. */
export function fsFailure(folder: string, error: unknown): TrackingRefused | TrackingUnavailable {
  const { code } = error as NodeJS.ErrnoException;
  const what = `the tracking directory ${folder} cannot be used (${code ?? messageOf(error)})`;
  if (code !== undefined && PASSING.has(code))
    return new TrackingUnavailable(`${what}: make room on its disk, or see what holds it`, {
      cause: error,
    });
  return new TrackingRefused(
    `${what}: check its permissions and what is at that path, or set another mlflow.tracking_uri`,
    { cause: error },
  );
}

/** A run that is not here, or no longer. */
export function noRun(folder: string, runId: string): TrackingRefused {
  return new TrackingRefused(
    `run ${runId} is not in the tracking directory ${folder}: log its version again with "log N"`,
    { details: { code: 'RESOURCE_DOES_NOT_EXIST' } },
  );
}

/** Whether an error says already, in a sentence, what went wrong (or that the caller gave up). */
export function ours(error: unknown): boolean {
  return error instanceof RetrainError || (error as Error | undefined)?.name === 'AbortError';
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
