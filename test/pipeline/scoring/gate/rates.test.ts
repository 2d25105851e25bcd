import { describe, expect, it } from 'vitest';
import { simulateGates, type Scenario } from '../../../../bench/gate/simulate.ts';
import { testDifference } from '../../../../pipeline/scoring/gate/difference.ts';
import type { ClassPairs } from '../../../../pipeline/scoring/gate/pairs.ts';

/**
 * How often equal models are shown to differ. `npm run bench:gate` decides more gates, for more sizes; docs/gate.md has
 * its table.
 */

const GATES = 200;

/** Of 200 gates at 5 %, more than 21 happen once in a thousand simulations. The seed makes them the same each time. */
const MOST = 21 / GATES;

const rates = (scenario: Scenario): { worse: number; better: number } =>
  simulateGates(scenario, { gates: GATES, seed: 1 });

describe('equal models', () => {
  it.each([
    ['f1_macro', 40],
    ['rmse', 12],
    ['rmse', 60],
  ])('by %s on %i rows are seldom shown to differ', (metric, rows) => {
    const size = metric === 'rmse' ? 1 : 0.75;
    const { worse, better } = rates({ metric, rows, challenger: size, champion: size });
    expect(worse).toBeLessThanOrEqual(MOST);
    expect(better).toBeLessThanOrEqual(MOST);
    // A test that never shows anything would pass the lines above.
    expect(worse + better).toBeGreaterThan(0.02);
  });

  it('whose difference is the margin are seldom shown to differ by more', () => {
    const models = { challenger: 1, champion: Math.sqrt(2 * 1.2 ** 2 - 1) };
    const scenario = { metric: 'rmse', rows: 30, margin: 0.2 * Math.SQRT2, ...models };
    expect(rates(scenario).better).toBeLessThanOrEqual(MOST);
  });
});

it('a model that is clearly worse is shown to be so, and never to be better', () => {
  const classes = rates({ metric: 'f1_macro', rows: 150, challenger: 0.7, champion: 0.9 });
  expect(classes.worse).toBeGreaterThan(0.9);
  expect(classes.better).toBe(0);
  const numbers = rates({ metric: 'rmse', rows: 60, challenger: 2, champion: 1 });
  expect(numbers.worse).toBeGreaterThan(0.9);
  expect(numbers.better).toBe(0);
});

describe('accuracy', () => {
  const pairsOf = (rows: number, gained: number, lost: number): ClassPairs => ({
    rows,
    labels: ['a', 'b'],
    cells: [
      { actual: 0, challenger: 0, champion: 0, count: rows - gained - lost },
      { actual: 0, challenger: 0, champion: 1, count: gained },
      { actual: 0, challenger: 1, champion: 0, count: lost },
    ],
  });

  /** The exact probability of being shown to be better by more than a margin that is the true difference. */
  function countShown(rows: number, margin: number, lostShare: number): number {
    const gainedShare = lostShare + margin;
    const rest = 1 - gainedShare - lostShare;
    const factorials = [0];
    for (let i = 1; i <= rows; i++) factorials[i] = factorials[i - 1]! + Math.log(i);
    const power = (share: number, count: number): number =>
      count === 0 ? 0 : count * Math.log(share);
    let shown = 0;
    for (let gained = 0; gained <= rows; gained++)
      for (let lost = 0; gained + lost <= rows; lost++) {
        const options = { margin, chance: 0.05 };
        const { better } = testDifference(pairsOf(rows, gained, lost), 'accuracy', options)!;
        if (better >= 0.05) continue;
        const both = rows - gained - lost;
        const ways =
          factorials[rows]! - factorials[gained]! - factorials[lost]! - factorials[both]!;
        shown += Math.exp(
          ways + power(gainedShare, gained) + power(lostShare, lost) + power(rest, both),
        );
      }
    return shown;
  }

  it.each([
    [10, 0],
    [25, 0],
    [25, 0.1],
    [40, 0.05],
  ])('on %i rows is never shown to differ by more than %f too often', (rows, margin) => {
    const levels = [0.01, 0.05, 0.1, 0.2, 0.4].map((lost) => countShown(rows, margin, lost));
    for (const level of levels) expect(level).toBeLessThanOrEqual(0.05);
    expect(Math.max(...levels)).toBeGreaterThan(0.02);
  });

  it('has bounds that leave out no difference exactly where the test does', () => {
    for (let gained = 0; gained <= 12; gained++)
      for (let lost = 0; lost <= 12; lost++) {
        const options = { margin: 0, chance: 0.05 };
        const found = testDifference(pairsOf(40, gained, lost), 'accuracy', options)!;
        expect(found.low > 0).toBe(found.better < 0.05);
        expect(found.high < 0).toBe(found.worse < 0.05);
        expect(found.low).toBeLessThanOrEqual((gained - lost) / 40);
        expect(found.high).toBeGreaterThanOrEqual((gained - lost) / 40);
      }
  });
});
