import { afterEach, expect, it } from 'vitest';
import { readGate } from '../../contract/defaults.ts';
import { makeChampion } from '../support/promotions.ts';
import { openWholeRuns, type WholeRuns } from '../support/whole-runs.ts';

let runs: WholeRuns;
afterEach(() => runs.close());

const build = (version: number) => ({ version, seq: 1 });

it('a build is decided on again against the champion that there is now, by the gate of its run or of its proposal', async () => {
  runs = openWholeRuns({ gate: { rule: 'always' } });
  await runs.run(1);
  await runs.run(2);
  const decide = (version: number, gate?: object) =>
    runs.play('decide_again', {
      pipeline: 'iris',
      ...build(version),
      ...(gate === undefined ? {} : { gate: { ...readGate({}), ...gate } }),
    });
  expect((await decide(1)).decision).toMatchObject({ outcome: 'promote', champion: null });
  await makeChampion(runs.store, 'iris', build(1));
  expect(await decide(2)).toMatchObject({
    decision: { outcome: 'promote', champion: build(1), rule: 'always' },
    gate: { rule: 'always' },
  });
  expect(await decide(2, { rule: 'never' })).toMatchObject({
    decision: { outcome: 'hold', champion: build(1), rule: 'never' },
    gate: { rule: 'never' },
  });
  await makeChampion(runs.store, 'iris', build(2));
  const reason = 'it is older than the champion, build 2.1';
  expect((await decide(1)).decision).toMatchObject({ outcome: 'hold', champion: build(2), reason });
});
