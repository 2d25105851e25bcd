import { messageOf, StorageRefused, StorageUnavailable } from '../../contract/failures.ts';
import { RETRAIN } from '../../contract/command.ts';

interface Place {
  endpoint?: string | undefined;
  bucket: string;
  key: string;
}

/**
 * Error codes after which the same request may succeed, independent of the status: a slow or damaged body, a
 * bucket that another client is creating.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 */
const PASSING = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'SlowDown',
  'OperationAborted',
]);

/** Error codes with status 400 for credentials that have expired. */
const EXPIRED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'TokenRefreshRequired',
]);

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } }).$metadata;
  return metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

export function isMissingBucket(error: unknown): boolean {
  return nameOf(error) === 'NoSuchBucket';
}

export function isMissingObject(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** 412: the condition did not hold. 409: AWS saw a concurrent write on the same key. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 412 || (statusOf(error) === 409 && /Conflict/.test(nameOf(error)));
}

/** Turns an error of the SDK into one of this project. The SDK's messages hold no secrets. */
export function storageError(error: unknown, place: Place): StorageRefused | StorageUnavailable {
  const where = `${place.endpoint ?? 'AWS S3'} (bucket ${place.bucket}${place.key === '' ? '' : `, ${place.key}`})`;
  const status = statusOf(error);
  const name = nameOf(error);
  if (name === 'CredentialsProviderError')
    return new StorageRefused(
      `no credentials for the S3 server at ${where}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Those of a local stack are in .stack/credentials in its project folder, once "${RETRAIN} stack up" has started it`,
      { cause: error },
    );
  if (name === 'RequestTimeTooSkewed')
    return new StorageRefused(
      `the S3 server at ${where} refuses our requests, because its clock and this machine's are more than 15 minutes apart: set this machine's clock`,
      { cause: error },
    );
  if (status === 401 || status === 403 || EXPIRED.has(name))
    return new StorageRefused(
      `the S3 server at ${where} refused our credentials (${status}${name === 'Unknown' ? '' : ` ${name}`}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do`,
      { cause: error },
    );
  const passing = status === 408 || status === 429 || PASSING.has(name);
  if (status !== undefined && status >= 300 && status < 500 && !passing)
    return new StorageRefused(
      `the S3 server at ${where} refused the request (${status} ${name}: ${messageOf(error)}): check storage.bucket, storage.region and storage.endpoint in params.yaml`,
      { cause: error },
    );
  const reason =
    name === 'TimeoutError'
      ? 'it stopped answering'
      : status === undefined || status < 300
        ? messageOf(error) || causeCode(error)
        : `it answered ${status}${passing && status < 500 ? ` ${name}` : ''}`;
  return new StorageUnavailable(
    `the S3 server at ${where} is not available (${reason}): start it with "${RETRAIN} stack up", or check storage.endpoint in params.yaml`,
    { cause: error },
  );
}

/** An AggregateError of refused connections has a code and no message. */
function causeCode(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : 'no answer';
}
