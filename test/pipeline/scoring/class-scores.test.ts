import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreClasses } from '../../../pipeline/scoring/class-scores.ts';
import { wilsonInterval } from '../../../pipeline/scoring/intervals.ts';

/** What make-metrics.py wrote with scikit-learn. */
interface Case {
  actual: string[];
  predicted: string[];
  labels: string[];
  accuracy: number;
  balanced_accuracy: number;
  precision: number[];
  recall: number[];
  f1: number[];
  support: number[];
  macro: [number, number, number];
  confusion_matrix: number[][];
}

const fixture = new URL('../fixtures/metrics.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] };

describe('scoreClasses', () => {
  it.each(cases)('agrees with scikit-learn on case %#', (expected) => {
    const found = scoreClasses(expected.actual, expected.predicted, expected.labels)!;
    const near = (value: number) => expect.closeTo(value, 12) as number;
    expect(found).toMatchObject({
      rows: expected.actual.length,
      accuracy: near(expected.accuracy),
      balanced_accuracy: near(expected.balanced_accuracy),
      precision_macro: near(expected.macro[0]),
      recall_macro: near(expected.macro[1]),
      f1_macro: near(expected.macro[2]),
      per_class: expected.labels.map((label, i) => ({
        label,
        precision: near(expected.precision[i]!),
        recall: near(expected.recall[i]!),
        f1: near(expected.f1[i]!),
        support: expected.support[i],
      })),
      confusion_matrix: { labels: expected.labels, matrix: expected.confusion_matrix },
    });
  });

  it('lists a class the rows lack without letting it pull the means', () => {
    const without = scoreClasses(['a', 'b'], ['a', 'b'], ['a', 'b'])!;
    const found = scoreClasses(['a', 'b'], ['a', 'b'], ['a', 'b', 'c'])!;
    expect(found.confusion_matrix.labels).toEqual(['a', 'b', 'c']);
    expect(found.f1_macro).toBe(without.f1_macro);
  });

  it('counts a class the model does not know against it', () => {
    const found = scoreClasses(['a', 'z'], ['a', 'a'], ['a', 'b'])!;
    expect(found.confusion_matrix.labels).toEqual(['a', 'b', 'z']);
    expect(found).toMatchObject({ accuracy: 0.5, balanced_accuracy: 0.5 });
  });

  it('tells apart classes whose names hold what could separate two names', () => {
    const [actual, predicted] = [
      ['a"|"b', 'a'],
      ['c', 'b"|"c'],
    ];
    const { confusion_matrix } = scoreClasses(actual, predicted, [])!;
    expect(confusion_matrix).toEqual({
      labels: ['a', 'a"|"b', 'b"|"c', 'c'],
      matrix: [
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    });
  });

  it('says nothing of no rows', () => {
    expect(scoreClasses([], [], ['a'])).toBeNull();
  });

  it('refuses predictions for other rows', () => {
    expect(() => scoreClasses(['a'], [], ['a'])).toThrow('0 predictions for 1 rows');
  });
});

describe('wilsonInterval', () => {
  it('is honest about few rows', () => {
    const [low, high] = wilsonInterval(29, 30);
    expect(low).toBeCloseTo(0.8333, 4);
    expect(high).toBeCloseTo(0.9941, 4);
  });

  it('reaches the ends exactly and stays within them', () => {
    expect(wilsonInterval(0, 7)[0]).toBe(0);
    expect(wilsonInterval(7, 7)[1]).toBe(1);
    expect(wilsonInterval(7, 7)[0]).toBeCloseTo(0.6457, 4);
  });
});

describe('classes that the model knows and that do not occur', () => {
  const labels = ['a', 'b', 'absent'];

  it('count in no mean, and are shown with no rows', () => {
    const scores = scoreClasses(['a', 'a', 'b', 'b'], ['a', 'b', 'b', 'b'], labels)!;
    expect(scores.recall_macro).toBe(0.75);
    expect(scores.balanced_accuracy).toBe(0.75);
    expect(scores.precision_macro).toBeCloseTo((1 + 2 / 3) / 2, 12);
    expect(scores.f1_macro).toBeCloseTo((2 / 3 + 4 / 5) / 2, 12);
    const absent = { label: 'absent', precision: 0, recall: 0, f1: 0, support: 0 };
    expect(scores.per_class).toContainEqual(absent);
  });

  it('count in the means but not in the balanced accuracy once they are predicted', () => {
    const scores = scoreClasses(['a', 'a', 'b', 'b'], ['a', 'absent', 'b', 'b'], labels)!;
    expect(scores.recall_macro).toBe(0.5);
    expect(scores.balanced_accuracy).toBe(0.75);
  });
});
