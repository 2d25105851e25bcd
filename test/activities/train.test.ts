import { basename } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Attempt } from '../../store/attempts.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

let runs: WholeRuns;
afterEach(() => runs.close());

/** The attempt that trained version 1. The run of the pipeline has one too, of batch 0. */
async function readAttempt(): Promise<Attempt> {
  const { attempts, bucket } = runs.store;
  const found: Attempt[] = [];
  for await (const { key } of bucket.list('attempts/iris/'))
    found.push((await attempts.read('iris', basename(key, '.json')))!);
  return found.find(({ batch }) => batch === 1)!;
}

it('a model is logged by the next attempt where one stopped before it had logged it', async () => {
  runs = openWholeRuns();
  await runs.run(1, { until: 'train' });
  const { attempt, run_id, logged, model_id } = await readAttempt();
  // The run was opened, and nothing was logged to it.
  const nothing = { model_id: null, model_name: null, model_version: null, logged: {} };
  await runs.store.attempts.swap('iris', attempt, (current) => ({ ...current!, ...nothing }));
  await runs.run(1, { until: 'train' });
  expect(await readAttempt()).toMatchObject({ run_id, logged, model_id: expect.any(String) });
  expect(logged).toHaveProperty('train');
  expect(model_id).not.toBeNull();
});
