import { expect, it } from 'vitest';
import { runLoad } from './load.ts';

/** A small part of `npm run load`. */

it('20 runs of 5 pipelines, started at once in any order, all make their version', async () => {
  const load = await runLoad({ pipelines: 5, batches: 4, seed: 7 });
  expect(load).toMatchObject({ runs: 20, failed: [], versions: 20 });
});
