import { describe, expect, it } from 'vitest';
import * as failures from '../../contract/failures.ts';
import { BadData, DiskFull, messageOf, reviveError, writeError } from '../../contract/failures.ts';

const kinds = Object.entries(failures).flatMap(([name, kind]) =>
  kind.prototype instanceof Error && kind !== failures.RetrainError ? [[name, kind] as const] : [],
) as [string, typeof BadData][];

describe('every failure', () => {
  it.each(kinds)('%s has the name of its class, which Temporal stores', (name, Kind) => {
    const failure = new Kind('what happened', { details: { key: 'k' } });
    expect(failure).toMatchObject({ name, message: 'what happened', details: { key: 'k' } });
    expect(failure).toBeInstanceOf(failures.RetrainError);
    expect(failure).not.toHaveProperty('cause');
    expect(new Kind('x').details).toEqual({});
  });

  it('is worth a retry where a server or a disk may recover, and only there', () => {
    const retried = kinds.filter(([, Kind]) => new Kind('x').retryable).map(([name]) => name);
    expect(retried.sort()).toEqual([
      'DiskFull',
      'SourceUnavailable',
      'StorageUnavailable',
      'TrackingUnavailable',
      'WebhookUnavailable',
    ]);
  });

  it('keeps its cause', () => {
    const cause = new Error('below');
    expect(new BadData('x', { cause }).cause).toBe(cause);
  });
});

describe('an error from a thread', () => {
  it('has its class and its details again', () => {
    const names = kinds.map(([name]) => name).filter((name) => name !== 'WebhookUnavailable');
    for (const name of names) {
      const revived = reviveError({ name, message: 'm', details: { row: 3 } });
      expect(revived).toBeInstanceOf(
        (failures as unknown as Record<string, typeof BadData>)[name]!,
      );
      expect(revived).toMatchObject({ name, message: 'm', details: { row: 3 } });
    }
  });

  it('of an unknown kind keeps its name and message', () => {
    const revived = reviveError({ name: 'RangeError', message: 'm', details: {} });
    expect(revived).not.toBeInstanceOf(failures.RetrainError);
    expect(revived).toMatchObject({ name: 'RangeError', message: 'm' });
  });
});

describe('an error of a write', () => {
  it.each(['ENOSPC', 'EDQUOT'])('with %s says which folder is full', (code) => {
    const cause = Object.assign(new Error('write'), { code });
    const failure = writeError('/cache', cause);
    expect(failure).toBeInstanceOf(DiskFull);
    expect(failure).toMatchObject({
      cause,
      message: expect.stringContaining(`/cache on this worker (${code})`),
    });
  });

  it.each(['EACCES', 'EROFS', 'EPERM'])('with %s is a matter of the set-up', (code) => {
    const cause = Object.assign(new Error('write'), { code });
    const failure = writeError('/cache', cause);
    expect(failure).toBeInstanceOf(failures.SetupError);
    expect(failure).toMatchObject({ cause, message: expect.stringContaining(`(${code})`) });
  });

  it('with any other code is that error', () => {
    const error = Object.assign(new Error('write'), { code: 'EIO' });
    expect(writeError('/cache', error)).toBe(error);
  });
});

it('the message of anything thrown is text', () => {
  expect([messageOf(new Error('m')), messageOf('text'), messageOf(undefined)]).toEqual([
    'm',
    'text',
    'undefined',
  ]);
});
