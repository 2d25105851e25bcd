import { describe, expect, it } from 'vitest';
import type { GateParams } from '../../../../contract/defaults.ts';
import {
  type Contest,
  decideTested,
  decideUntested,
} from '../../../../pipeline/scoring/gate/decide.ts';

const CHAMPION = { version: 2, seq: 1 };

function makeContest(rule: GateParams['rule'], parts: Partial<Contest> = {}): Contest {
  return {
    version: 3,
    champion: CHAMPION,
    isSame: false,
    rules: { rule, margin: 0, confidence: 0.95, slices: [] },
    metric: 'accuracy',
    ...parts,
  };
}

describe('the outcome of a test', () => {
  const scores = { challenger: 0.9, champion: 0.8, low: -0.1, high: 0.3 };

  it.each([
    // [rule, p that it is not worse, p that it is not better, outcome]
    ['not_worse', 0.04, 0.97, 'hold'],
    ['not_worse', 0.06, 0.95, 'promote'],
    ['not_worse', 0.5, 0.6, 'promote'],
    ['not_worse', 0.97, 0.04, 'promote'],
    ['better', 0.97, 0.04, 'promote'],
    ['better', 0.95, 0.06, 'hold'],
    ['better', 0.6, 0.5, 'hold'],
    ['better', 0.04, 0.97, 'hold'],
  ] as const)(
    'by the rule %s, with p = %f for worse and %f for better, is to %s',
    (rule, worse, better, outcome) => {
      const difference = { ...scores, worse, better };
      const tested = { rows: 100, difference, worseSlices: [] };
      expect(decideTested(makeContest(rule), tested)).toMatchObject({
        outcome,
        champion: CHAMPION,
        challenger_score: 0.9,
        champion_score: 0.8,
        p_value: rule === 'better' ? better : worse,
      });
    },
  );

  it.each(['not_worse', 'better'] as const)(
    'by the rule %s is to hold a build that is worse in a slice',
    (rule) => {
      const difference = { ...scores, worse: 0.99, better: 0.01 };
      const tested = { rows: 100, difference, worseSlices: ['region=north'] };
      expect(decideTested(makeContest(rule), tested)).toMatchObject({
        outcome: 'hold',
        worse_slices: ['region=north'],
      });
    },
  );
});

describe('without a test', () => {
  it.each([
    ['a build of a newer version is promoted by the rule always', 'always', {}, 'promote'],
    ['another build of the version of the champion, too', 'always', { version: 2 }, 'promote'],
    ['the champion itself is held', 'always', { version: 2, isSame: true }, 'hold'],
    ['an older version is held', 'always', { version: 1 }, 'hold'],
    ['the first build is promoted', 'better', { champion: null }, 'promote'],
    ['the first build is held by the rule never', 'never', { champion: null }, 'hold'],
    ['a build is held whose champion cannot be scored', 'not_worse', { unusable: 'lost' }, 'hold'],
  ] as const)('%s', (_, rule, parts, outcome) => {
    expect(decideUntested(makeContest(rule, parts))).toMatchObject({ outcome });
  });

  it.each(['not_worse', 'better'] as const)('the rule %s decides nothing', (rule) => {
    expect(decideUntested(makeContest(rule))).toBeUndefined();
    expect(decideUntested(makeContest(rule, { version: 2 }))).toBeUndefined();
  });
});
