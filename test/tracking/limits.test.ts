import { describe, expect, it } from 'vitest';
import { equalsFilter, toTagField } from '../../tracking/mlflow/run.ts';
import { legalNames, paramValue, splitInto } from '../../tracking/mlflow/limits.ts';

describe('names', () => {
  const namesOf = (...names: string[]) =>
    legalNames(Object.fromEntries(names.map((name) => [name, 0]))).map(([name]) => name);

  it('that MLflow takes stay as they are', () => {
    const names = ['accuracy', 'recall/setosa', 'f1 - a.b:c_d', 'précision/été', 'リコール'];
    expect(namesOf(...names)).toEqual(names);
  });

  it('lose what MLflow refuses', () => {
    expect(namesOf('recall/<=50K')).toEqual(['recall/__50K']);
    expect(namesOf('a//b', '../x', 'b/')).toEqual(['a/_/b', '_/x', 'b/_']);
  });

  it('that would become equal are kept distinct, the same way each time', () => {
    const names = namesOf('recall/<=50K', 'recall/>=50K', 'recall/__50K');
    expect(new Set(names).size).toBe(3);
    expect(names[2]).toBe('recall/__50K');
    expect(namesOf('recall/<=50K', 'recall/>=50K', 'recall/__50K')).toEqual(names);
  });

  it('are at most 250 long', () => {
    const [one, two] = namesOf('x'.repeat(300), 'x'.repeat(301));
    expect([one, two].map((name) => name!.length <= 250)).toEqual([true, true]);
    expect(one).not.toBe(two);
  });
});

describe('values', () => {
  it('of params are words, cut visibly at 6000', () => {
    expect([1.5, true, null, 'x'].map(paramValue)).toEqual(['1.5', 'true', 'null', 'x']);
    expect(paramValue('x'.repeat(6_001))).toBe(`${'x'.repeat(5_999)}…`);
  });

  it('go in portions', () => {
    expect([...splitInto([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
    expect([...splitInto([], 2)]).toEqual([]);
  });
});

describe('filters', () => {
  it('quote with the quote that is not inside, and leave out what cannot be quoted', () => {
    expect(
      equalsFilter([
        ['name', 'a'],
        ['run_id', "it's"],
      ]),
    ).toBe(`name = 'a' AND run_id = "it's"`);
    expect(
      equalsFilter([
        ['name', `'"`],
        ['x', 'y'],
      ]),
    ).toBe(`x = 'y'`);
    expect(toTagField('mlflow.source name')).toBe('tags.`mlflow.source name`');
    expect(toTagField('a`b')).toBeUndefined();
  });
});
