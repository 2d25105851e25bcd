import { expect, it } from 'vitest';
import { TrackingRefused, TrackingUnavailable } from '../../contract/failures.ts';
import { orDefer } from '../../tracking/tracked-run/defer.ts';

const away = new TrackingUnavailable('MLflow does not answer');
const refused = new TrackingRefused('MLflow answered 403');
const fail = (error: Error) => async (): Promise<string> => {
  throw error;
};

it('logging is put off only where that is allowed, at the second attempt, and while tracking is away', async () => {
  const [first, retry] = [{ isRetry: false }, { isRetry: true }];
  expect(await orDefer(true, retry, fail(away))).toBeUndefined();
  await expect(orDefer(true, first, fail(away))).rejects.toBe(away);
  await expect(orDefer(false, retry, fail(away))).rejects.toBe(away);
  await expect(orDefer(true, retry, fail(refused))).rejects.toBe(refused);
  expect(await orDefer(true, retry, async () => 'logged')).toBe('logged');
});
