import { describe, expect, it } from 'vitest';
import { isConflict, storageError } from '../../../store/s3/errors.ts';

const place = { endpoint: 'http://localhost:8333', bucket: 'b', key: 'k' };

/** As the SDK throws what a server answered. */
function answered(status: number, name: string): Error {
  return Object.assign(new Error(`said ${name}`), { name, $metadata: { httpStatusCode: status } });
}

describe('what S3 answered', () => {
  it.each([
    [400, 'RequestTimeout'],
    [400, 'IncompleteBody'],
    [400, 'BadDigest'],
    [400, 'XAmzContentChecksumMismatch'],
    [400, 'ThrottlingException'],
    [408, 'Unknown'],
    [409, 'OperationAborted'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
    [503, 'SlowDown'],
  ])('%i %s passes, so the request is tried again', (status, name) => {
    const failure = storageError(answered(status, name), place);
    expect(failure).toMatchObject({ name: 'StorageUnavailable', retryable: true });
    expect(failure.message).toContain(`it answered ${status}`);
  });

  it.each([
    [400, 'InvalidBucketName', 'storage.bucket'],
    [301, 'PermanentRedirect', 'storage.region'],
    [400, 'ExpiredToken', 'AWS_ACCESS_KEY_ID'],
    [403, 'SignatureDoesNotMatch', 'AWS_SECRET_ACCESS_KEY'],
    [403, 'RequestTimeTooSkewed', 'clock'],
  ])('%i %s is for a person to repair, and says where', (status, name, where) => {
    const error = answered(status, name);
    const failure = storageError(error, place);
    expect(failure).toMatchObject({ name: 'StorageRefused', retryable: false, cause: error });
    expect(failure.message).toContain(where);
  });
});

it.each([
  [401, 'Unauthorized', '401 Unauthorized'],
  [403, 'AccessDenied', '403 AccessDenied'],
  // The answer to a HEAD has no text that names the error.
  [403, 'Unknown', '403'],
])('%i %s refuses the credentials, and is quoted as "%s"', (status, name, said) => {
  const failure = storageError(answered(status, name), place);
  expect(failure.message).toContain(`refused our credentials (${said}): check AWS_ACCESS_KEY_ID`);
});

it('credentials that are not set are named, and where a local stack has them', () => {
  const none = Object.assign(new Error('no providers'), { name: 'CredentialsProviderError' });
  const failure = storageError(none, place);
  expect(failure).toMatchObject({ name: 'StorageRefused', retryable: false });
  for (const part of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', '.stack/credentials'])
    expect(failure.message).toContain(part);
});

describe('a server that gave no answer', () => {
  const reasonOf = (error: unknown): string =>
    /is not available \((.*?)\): start it/.exec(storageError(error, place).message)![1]!;

  it.each<[string, unknown]>([
    ['it stopped answering', Object.assign(new Error('late'), { name: 'TimeoutError' })],
    ['socket hang up', new Error('socket hang up')],
    ['ECONNREFUSED', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })],
    ['no answer', new AggregateError([])],
    ['said Unknown', answered(200, 'Unknown')],
    ['it answered 500', answered(500, 'SlowDown')],
    ['it answered 429 Throttling', answered(429, 'Throttling')],
    ['it answered 400 SlowDown', answered(400, 'SlowDown')],
  ])('is not available: %s', (reason, error) => {
    expect(storageError(error, place)).toMatchObject({
      name: 'StorageUnavailable',
      retryable: true,
      cause: error,
    });
    expect(reasonOf(error)).toBe(reason);
  });

  it('is named by its address, its bucket and the key, as far as there are any', () => {
    const error = new Error('gone');
    const where = (at: object): string => storageError(error, { ...place, ...at }).message;
    expect(where({})).toContain('the S3 server at http://localhost:8333 (bucket b, k) is');
    expect(where({ key: '' })).toContain('the S3 server at http://localhost:8333 (bucket b) is');
    expect(where({ endpoint: undefined })).toContain('the S3 server at AWS S3 (bucket b, k) is');
  });
});

it.each([
  [412, 'PreconditionFailed', true],
  [409, 'ConditionalRequestConflict', true],
  [409, 'OperationAborted', false],
  [400, 'Conflict', false],
])('%i %s means that another client was first: %s', (status, name, expected) => {
  expect(isConflict(answered(status, name))).toBe(expected);
});
