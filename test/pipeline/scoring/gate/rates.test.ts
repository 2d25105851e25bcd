import { describe, expect, it } from 'vitest';
import { simulateGates, type Scenario, type Shown } from '../../../../bench/gate/simulate.ts';
import { testDifference } from '../../../../pipeline/scoring/gate/difference.ts';
import type { ClassPairs } from '../../../../pipeline/scoring/pairs.ts';

/**
 * How often equal models are shown to differ. `npm run bench:gate` decides more gates, for more sizes; docs/gate.md has
 * its table.
 */

const GATES = 400;

/** Of 400 gates at 5 %, more than 34 or fewer than 7 happen once in a thousand simulations. The seed makes them the same. */
const [FEWEST, MOST] = [7 / GATES, 34 / GATES];

/** Any difference is tested, at the nominal rate. */
const OPTIONS = { margin: 0, chance: 0.05 };

/** Rows of two classes, by what they are and what both models say. */
function makePairs(
  ...counted: [actual: number, challenger: number, champion: number, count: number][]
): ClassPairs {
  const cells = counted.map(([actual, challenger, champion, count]) => ({
    actual,
    challenger,
    champion,
    count,
  }));
  const rows = cells.reduce((sum, { count }) => sum + count, 0);
  return { rows, labels: ['a', 'b'], cells };
}

const rates = (scenario: Scenario, gates = GATES): Shown =>
  simulateGates(scenario, { gates, seed: 1 });

describe('equal models', () => {
  it.each([
    ['f1_macro', 80],
    ['rmse', 15],
  ])('by %s on %i rows are shown to differ at the nominal rate', (metric, rows) => {
    const size = metric === 'rmse' ? 1 : 0.7;
    const { worse, better } = rates({ metric, rows, challenger: size, champion: size });
    for (const rate of [worse, better]) {
      expect(rate).toBeGreaterThanOrEqual(FEWEST);
      expect(rate).toBeLessThanOrEqual(MOST);
    }
  });

  it('whose difference is the margin are seldom shown to differ by more', () => {
    const models = { challenger: 1, champion: Math.sqrt(2 * 1.2 ** 2 - 1) };
    const scenario = { metric: 'rmse', rows: 20, margin: 0.2 * Math.SQRT2, ...models };
    expect(rates(scenario).better).toBeLessThanOrEqual(MOST);
  });
});

it('a model that is clearly worse is shown to be so, and never to be better', () => {
  const classes = { metric: 'f1_macro', rows: 150, challenger: 0.7, champion: 0.9 };
  const numbers = { metric: 'rmse', rows: 60, challenger: 2, champion: 1 };
  for (const { worse, better } of [rates(classes, 50), rates(numbers, 50)]) {
    expect(worse).toBeGreaterThan(0.9);
    expect(better).toBe(0);
  }
});

describe('few rows', () => {
  it.each([1, 2, 3, 4])('of numbers show nothing, however large the difference: %i', (rows) => {
    const actual = Float64Array.from({ length: rows }, (_, i) => i);
    const champion = actual.map((value, i) => value + 100 + i);
    const found = testDifference({ rows, actual, challenger: actual, champion }, 'rmse', OPTIONS)!;
    expect(found.better).toBeGreaterThan(0.05);
    expect(found.low).toBeLessThanOrEqual(0);
  });

  it('on which a drawn score is often not defined are not shown to be better by it', () => {
    // r2 is not defined where none of the rows is drawn whose number differs: in e⁻¹ of the draws.
    const actual = Float64Array.from({ length: 30 }, (_, i) => (i === 0 ? 1 : 0));
    const champion = actual.map((value) => value + 0.5);
    const found = testDifference(
      { rows: 30, actual, challenger: actual, champion },
      'r2',
      OPTIONS,
    )!;
    expect(found.better).toBeGreaterThan(0.3);
    expect(found.low).toBe(-Infinity);
  });

  it('on which two models differ show nothing by f1, as they show nothing by accuracy', () => {
    const pairs = makePairs([0, 0, 0, 28], [0, 0, 1, 4], [1, 1, 1, 28]);
    const by = (metric: string): number => testDifference(pairs, metric, OPTIONS)!.better;
    expect(by('accuracy')).toBeCloseTo(1 / 16, 10);
    expect(by('f1_macro')).toBeGreaterThan(0.05);
    expect(by('f1_macro')).toBeCloseTo(1 / 16, 1);
  });
});

it('r2 of equal numbers is not defined, though rounding gives them a variance', () => {
  for (const rows of [6, 7, 10]) {
    const actual = new Float64Array(rows).fill(0.1);
    const challenger = actual.map((value) => value + 0.5);
    const champion = actual.map((value, i) => value + 1 + (i % 3));
    const pairs = { rows, actual, challenger, champion };
    expect(testDifference(pairs, 'r2', OPTIONS)).toBeUndefined();
  }
});

it('the same rows give the same numbers on every machine', () => {
  const pairs = makePairs([0, 0, 0, 40], [0, 0, 1, 10], [0, 1, 0, 4], [1, 1, 1, 46]);
  const found = testDifference(pairs, 'f1_macro', { ...OPTIONS, margin: 0.01 })!;
  expect(found).toEqual({
    challenger: 0.9599358974358975,
    champion: 0.8999599839935974,
    worse: 0.969,
    better: 0.095,
    low: -0.0008715056941849819,
    high: 0.12369570674067734,
  });
});

describe('accuracy', () => {
  const pairsOf = (rows: number, gained: number, lost: number): ClassPairs =>
    makePairs([0, 0, 0, rows - gained - lost], [0, 0, 1, gained], [0, 1, 0, lost]);

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
        const options = { ...OPTIONS, margin };
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

  it.each([0, 0.05, 0.2])(
    'answers the other question for exchanged models, margin %f',
    (margin) => {
      const options = { ...OPTIONS, margin };
      for (const [gained, lost] of [
        [0, 0],
        [12, 2],
        [3, 9],
        [0, 15],
      ] as const) {
        const found = testDifference(pairsOf(40, gained, lost), 'accuracy', options)!;
        const other = testDifference(pairsOf(40, lost, gained), 'accuracy', options)!;
        expect(found.worse).toBeCloseTo(other.better, 10);
        expect(found.low).toBeCloseTo(-other.high, 10);
      }
    },
  );

  it('has bounds on the side of 0 that the test shows', () => {
    for (let gained = 0; gained <= 20; gained++)
      for (let lost = 0; lost <= 20; lost++) {
        const found = testDifference(pairsOf(40, gained, lost), 'accuracy', OPTIONS)!;
        const [low, high] = [Math.sign(found.low), Math.sign(found.high)];
        expect(found.better < 0.05 ? [0, 1] : [0, -1]).toContain(low);
        expect(found.worse < 0.05 ? [0, -1] : [0, 1]).toContain(high);
        expect(found.low).toBeLessThanOrEqual((gained - lost) / 40);
        expect(found.high).toBeGreaterThanOrEqual((gained - lost) / 40);
      }
  });
});
