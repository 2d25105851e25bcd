import { describe, expect, it } from 'vitest';
import { storageError } from '../../../store/s3/errors.ts';

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
    const failure = storageError(answered(status, name), place);
    expect(failure).toMatchObject({ name: 'StorageRefused', retryable: false });
    expect(failure.message).toContain(where);
  });
});

it('credentials that are not set are named, and where a local stack has them', () => {
  const none = Object.assign(new Error('no providers'), { name: 'CredentialsProviderError' });
  const failure = storageError(none, place);
  expect(failure).toMatchObject({ name: 'StorageRefused', retryable: false });
  for (const part of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', '.stack/credentials'])
    expect(failure.message).toContain(part);
});
