import { expect, it } from 'vitest';
import type { SplitRule } from '../../../contract/defaults.ts';
import type { Encoder } from '../../../pipeline/features/encoder.ts';
import { findEqualRowsRule } from '../../../pipeline/scoring/leakage.ts';

const encoder: Encoder = {
  features: [
    { name: 'age', type: 'number', median: 1 },
    { name: 'day', type: 'date', median: 1 },
  ],
} as never;

const byTime = (time_column: string): SplitRule => ({ key: null, by: 'time', time_column });

it.each<[where: string, rule: string, split: SplitRule]>([
  ['all features decide the side of a row', 'refuse', { key: null }],
  ['a feature decides it', 'refuse', { key: ['age'] }],
  ['two features decide it', 'refuse', { key: ['age', 'day'] }],
  ['a column that is no feature decides it', 'count', { key: ['customer'] }],
  ['a feature and another column decide it', 'count', { key: ['age', 'customer'] }],
  ['a time that is a feature decides it', 'leave out', byTime('day')],
  ['another time decides it', 'count', byTime('sold')],
])('where %s, the rule for equal rows on both sides is: %s', (_, rule, split) => {
  expect(findEqualRowsRule(split, encoder)).toBe(rule);
});
