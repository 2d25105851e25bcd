import { expect, it, vi } from 'vitest';
import { attemptId, Attempts, type Attempt } from '../../store/attempts.ts';
import { everyOrder, type Client } from '../support/interleavings.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const of = { pipeline: 'p', batch: 2, trainKey: 'key', force: null };

const claimed = (owner: string): Attempt => ({
  schema: 1,
  attempt: 'a',
  pipeline: 'p',
  batch: 2,
  claimed_at: 0,
  owner,
  owned_at: 0,
  tracking_uri: null,
  experiment_id: null,
  run_id: null,
  model_id: null,
  model_name: null,
  model_version: null,
  logged: {},
  scored_at: {},
});

it('a training attempt has the same name for each retry, and another for other data, params or a forced run', () => {
  const name = attemptId(of);
  expect(name).toMatch(/^[0-9a-f]{32}$/);
  expect(attemptId({ ...of })).toBe(name);
  const others = [{ pipeline: 'q' }, { batch: 3 }, { trainKey: 'other' }, { force: 'run' }];
  const names = others.map((other) => attemptId({ ...of, ...other }));
  expect(new Set([name, ...names]).size).toBe(5);
});

it('in every order of their requests, the first of two executions is the owner of the attempt', async () => {
  const claim =
    (owner: string): Client =>
    (bucket) =>
      new Attempts(bucket).swap('p', 'a', (current) => current ?? claimed(owner));
  await everyOrder({
    clients: () => [claim('one'), claim('other')],
    crashes: 1,
    after: async (bucket, ended) => {
      const stored = await new Attempts(bucket).read('p', 'a');
      const seen = ended.flatMap((end) => (end.status === 'done' ? [end.value] : []));
      for (const attempt of seen) expect(attempt).toEqual(stored);
      expect(ended.map(({ status }) => status)).not.toContain('failed');
    },
  });
});

it('attempts of other names and pipelines are other attempts', async () => {
  const attempts = new Attempts(new MemoryBucket());
  await attempts.swap('p', 'a', () => claimed('one'));
  expect(await attempts.read('p', 'a')).toEqual(claimed('one'));
  expect(await attempts.read('p', 'b')).toBeUndefined();
  expect(await attempts.read('q', 'a')).toBeUndefined();
});
