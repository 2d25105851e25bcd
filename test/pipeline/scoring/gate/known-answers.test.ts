import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { testDifference } from '../../../../pipeline/scoring/gate/difference.ts';
import { testShares } from '../../../../pipeline/scoring/gate/mcnemar.ts';
import { normalQuantile, normalTail } from '../../../../pipeline/scoring/gate/normal.ts';
import { countPairs, type Pairs } from '../../../../pipeline/scoring/pairs.ts';

/** What make-gate.py wrote with statsmodels, scikit-learn and scipy. */
interface Made {
  mcnemar: { gained: number; lost: number; p: number }[];
  normal: { z: number; tail: number }[];
  classes: ({ labels: number } & Paired)[];
  numbers: Paired[];
}

interface Paired {
  actual: number[];
  challenger: { predicted: number[]; scores: Record<string, number> };
  champion: { predicted: number[]; scores: Record<string, number> };
}

const fixture = new URL('../../fixtures/gate.json', import.meta.url);
const made = JSON.parse(readFileSync(fixture, 'utf8')) as Made;
const OPTIONS = { margin: 0, chance: 0.05 };

describe("McNemar's exact test", () => {
  it.each(made.mcnemar)('of $gained and $lost rows is that of statsmodels', (expected) => {
    const { gained, lost, p } = expected;
    const { worse, better } = testShares(gained, lost);
    // statsmodels asks both questions at once.
    expect(Math.min(1, 2 * Math.min(worse, better))).toBeCloseTo(p, 10);
    expect(testShares(lost, gained)).toEqual({ worse: better, better: worse });
  });
});

describe('the normal distribution is that of scipy', () => {
  it.each(made.normal)('above $z', ({ z, tail }) => {
    expect(normalTail(z) / tail).toBeCloseTo(1, 6);
  });

  it.each(made.normal.filter(({ z }) => z > 0))('at its quantile $z', ({ z, tail }) => {
    expect(normalQuantile(tail)).toBeCloseTo(z, 5);
  });
});

describe('the scores of both models', () => {
  /** The scores of both models by name, and those that were expected. A score that is not defined is in neither. */
  function scoreBoth(
    pairs: Pairs,
    { challenger, champion }: Paired,
  ): [found: object, near: object] {
    const names = Object.keys(challenger.scores).filter((name) => challenger.scores[name] !== null);
    const near = (value: number) => expect.closeTo(value, 12) as number;
    const found = names.map((name) => {
      const tested = testDifference(pairs, name, OPTIONS)!;
      return [name, [tested.challenger, tested.champion]];
    });
    const expected = names.map((name) => [
      name,
      [near(challenger.scores[name]!), near(champion.scores[name]!)],
    ]);
    return [Object.fromEntries(found), Object.fromEntries(expected)];
  }

  it.each(made.classes)('are those of scikit-learn for $labels classes', (one) => {
    const labels = Array.from({ length: one.labels }, (_, i) => String(i));
    const { actual, challenger, champion } = one;
    const drawn = { actual, challenger: challenger.predicted, champion: champion.predicted };
    const [found, expected] = scoreBoth(countPairs(labels, drawn), one);
    expect(found).toEqual(expected);
  });

  it.each(made.numbers)('are those of scikit-learn for numbers, case %#', (one) => {
    const pairs = {
      rows: one.actual.length,
      actual: Float64Array.from(one.actual),
      challenger: Float64Array.from(one.challenger.predicted),
      champion: Float64Array.from(one.champion.predicted),
    };
    const [found, expected] = scoreBoth(pairs, one);
    expect(found).toEqual(expected);
  });
});
