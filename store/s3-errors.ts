import { messageOf, StorageRefused, StorageUnavailable } from '../errors.ts';

interface Place {
  endpoint?: string | undefined;
  bucket: string;
  key: string;
}

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

export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** 412: the condition did not hold. 409: AWS saw a concurrent write on the same key. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 412 || (statusOf(error) === 409 && /Conflict/.test(nameOf(error)));
}

/** What an S3 call threw, as one of ours. The SDK's messages hold no secrets; its requests are not quoted. */
export function storageError(error: unknown, place: Place): StorageRefused | StorageUnavailable {
  const where = `${place.endpoint ?? 'AWS S3'} (bucket ${place.bucket}${place.key === '' ? '' : `, ${place.key}`})`;
  const status = statusOf(error);
  const name = nameOf(error);
  if (name === 'CredentialsProviderError')
    return new StorageRefused(
      `no credentials for the S3 server at ${where}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or start the local stack`,
      { cause: error },
    );
  if (status === 401 || status === 403)
    return new StorageRefused(
      `the S3 server at ${where} refused our credentials (${status}${name === 'Unknown' ? '' : ` ${name}`}): check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do`,
      { cause: error },
    );
  if (status !== undefined && status >= 300 && status < 500 && status !== 408 && status !== 429)
    return new StorageRefused(
      `the S3 server at ${where} refused the request (${status} ${name}: ${messageOf(error)}): check storage.bucket, storage.region and storage.endpoint in params.yaml`,
      { cause: error },
    );
  const reason =
    name === 'TimeoutError'
      ? 'it stopped answering'
      : status === undefined || status < 300
        ? messageOf(error) || causeCode(error)
        : `it answered ${status}`;
  return new StorageUnavailable(
    `the S3 server at ${where} is not available (${reason}): start it with "npm run client -- stack up", or check storage.endpoint in params.yaml`,
    { cause: error },
  );
}

/** An AggregateError of refused connections has no message of its own, only a code. */
function causeCode(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : 'no answer';
}
