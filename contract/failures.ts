/**
 * The base of all errors of this project. The class is the kind of error, and `retryable` is whether a retry can
 * help. The message is one sentence: what happened, where, and how to repair it. The worker turns an error of
 * an activity into a Temporal failure whose `type` is the name of the class.
 */
export abstract class RetrainError extends Error {
  abstract override readonly name: string;
  abstract readonly retryable: boolean;
  /** Facts for the code that catches it, such as a key or a reference. Small, and safe to show and to store. */
  readonly details: Record<string, unknown>;

  constructor(
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.details = options.details ?? {};
  }
}

/** One wrong value of a document. */
export interface WrongValue {
  /** Where it is and what it is. */
  found: string;
  /** What is allowed there, or what to do. */
  expected: string;
}

/** Takes a sentence of ours apart: it ends with how to repair what was found, after a colon. */
export function splitSentence(text: string): WrongValue {
  // The cause is in brackets before the colon, and the repair may contain colons too.
  const closed = text.indexOf('): ');
  const cut = closed < 0 ? text.lastIndexOf(': ') : closed + 1;
  return cut < 0
    ? { found: text, expected: '' }
    : { found: text.slice(0, cut), expected: text.slice(cut + 2) };
}

/** A parameter, flag or input document that is unknown, ill-typed or not allowed here. */
export class BadParams extends RetrainError {
  override readonly name = 'BadParams';
  readonly retryable = false;
  /** The wrong values of which the message consists; empty where it is about something else. */
  readonly values: readonly WrongValue[];

  constructor(
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
    values: readonly WrongValue[] = [],
  ) {
    super(message, options);
    this.values = values;
  }

  static ofValues(values: readonly WrongValue[]): BadParams {
    const sentences = values.map(({ found, expected }) => `${found}: ${expected}`);
    return new BadParams(sentences.join('; '), {}, values);
  }
}

/** Data that cannot be used as it is. The message names the file and, if there is one, the row and column. */
export class BadData extends RetrainError {
  override readonly name = 'BadData';
  readonly retryable = false;
}

/** A model would be scored on rows that it was trained on. The message says how many, and where the first is. */
export class LeakedRows extends RetrainError {
  override readonly name = 'LeakedRows';
  readonly retryable = false;
}

/** Something that must exist first does not: a batch past the end, a stage not yet run, a version never built. */
export class MissingHistory extends RetrainError {
  override readonly name = 'MissingHistory';
  readonly retryable = false;
}

/** A stored object is gone or its bytes no longer match its hash; `details.ref` is its reference. */
export class DamagedArtifact extends RetrainError {
  override readonly name = 'DamagedArtifact';
  readonly retryable = false;
}

/** The S3 server does not answer, answers 5xx, or throttles. */
export class StorageUnavailable extends RetrainError {
  override readonly name = 'StorageUnavailable';
  readonly retryable = true;
}

/** The S3 server answered with a refusal: because of credentials, permissions or the bucket's name. */
export class StorageRefused extends RetrainError {
  override readonly name = 'StorageRefused';
  readonly retryable = false;
}

/** A disk of this machine is full. The work continues once there is space. */
export class DiskFull extends RetrainError {
  override readonly name = 'DiskFull';
  readonly retryable = true;
}

/**
 * The error of a write in a folder: DiskFull where the disk, or the quota, has no space left, SetupError where this
 * user may not write.
 */
export function writeError(folder: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new SetupError(
      `${folder} cannot be written by this user (${code}): set RETRAIN_WORK_DIR to a folder that it may write`,
      { cause: error },
    );
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new DiskFull(
    `there is no room left for ${folder} on this worker (${code}): free some space, and the run continues`,
    { cause: error },
  );
}

/** The source does not answer, breaks off, answers 5xx, or throttles. */
export class SourceUnavailable extends RetrainError {
  override readonly name = 'SourceUnavailable';
  readonly retryable = true;
}

/** The source answered with a refusal, or redirects to a host that is not allowed. */
export class SourceRefused extends RetrainError {
  override readonly name = 'SourceRefused';
  readonly retryable = false;
}

/** The MLflow server does not answer, answers 5xx, or throttles. */
export class TrackingUnavailable extends RetrainError {
  override readonly name = 'TrackingUnavailable';
  readonly retryable = true;
}

/** The MLflow server answered with a refusal, such as 403 for a host name that it does not allow. */
export class TrackingRefused extends RetrainError {
  override readonly name = 'TrackingRefused';
  readonly retryable = false;
}

/** The MLflow server in use is not the one that this attempt was logged to. Logging the training there repairs it. */
export class TrackingMoved extends RetrainError {
  override readonly name = 'TrackingMoved';
  readonly retryable = false;
}

/** The webhook does not answer, or answers 5xx. */
export class WebhookUnavailable extends RetrainError {
  override readonly name = 'WebhookUnavailable';
  readonly retryable = true;
}

/** Something else exists where the result belongs: a run with other params, or edited files. */
export class Conflict extends RetrainError {
  override readonly name = 'Conflict';
  readonly retryable = false;
}

/** The machine is not ready: no Python, a port in use, a server that does not start, no Temporal. */
export class SetupError extends RetrainError {
  override readonly name = 'SetupError';
  readonly retryable = false;
}

/** The message of anything thrown, for sentences that quote a cause. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

type ErrorClass = new (
  message: string,
  options: { details: Record<string, unknown> },
) => RetrainError;

const classes: Partial<Record<string, ErrorClass>> = {
  BadParams,
  BadData,
  LeakedRows,
  MissingHistory,
  DamagedArtifact,
  StorageUnavailable,
  StorageRefused,
  DiskFull,
  SourceUnavailable,
  SourceRefused,
  TrackingUnavailable,
  TrackingRefused,
  TrackingMoved,
  Conflict,
  SetupError,
};

/** Restores an error and its class from the fields that a thread has sent. */
export function reviveError(sent: {
  name: string;
  message: string;
  details: Record<string, unknown>;
}): Error {
  const known = classes[sent.name];
  if (known !== undefined) return new known(sent.message, { details: sent.details });
  const other = new Error(sent.message);
  other.name = sent.name;
  return other;
}
