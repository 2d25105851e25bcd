import { describe, expect, it } from 'vitest';
import {
  describeKnownRows,
  describeLeftOut,
  findCompared,
  findOtherChampion,
  nameCompared,
  pickFacts,
} from '../../contract/comparisons.ts';
import type { ComparedRole } from '../../contract/stages.ts';

const compared = (version: number, roles?: ComparedRole[]) => ({
  version,
  seq: 1,
  facts: {},
  ...(roles === undefined ? {} : { roles }),
});

describe('the builds that a version is compared with', () => {
  const before = compared(2, ['before']);
  const champion = compared(1, ['champion']);

  it('are found by their role', () => {
    expect(findCompared([champion, before], 'before')).toBe(before);
    expect(findCompared([before, champion], 'champion')).toBe(champion);
    expect(findCompared([before], 'champion')).toBeUndefined();
  });

  it('that name no role are the build before, as an earlier program wrote them', () => {
    const old = compared(2);
    expect(findCompared([old], 'before')).toBe(old);
    expect(findCompared([old], 'champion')).toBeUndefined();
    expect(nameCompared(old, 3)).toBe('version 2');
  });

  it('have another champion only where it is not the build before', () => {
    expect(findOtherChampion([before, champion])).toBe(champion);
    expect(findOtherChampion([compared(2, ['before', 'champion'])])).toBeUndefined();
    expect(findOtherChampion([before])).toBeUndefined();
    expect(findOtherChampion([champion])).toBe(champion);
  });

  it('are named by version, by build for the same version, and as the champion', () => {
    expect(nameCompared(before, 3)).toBe('version 2');
    expect(nameCompared(before, 2)).toBe('build 2.1');
    expect(nameCompared(champion, 3)).toBe('champion 1.1');
    expect(nameCompared(compared(2, ['before', 'champion']), 3)).toBe('version 2, champion');
    expect(nameCompared(compared(3, ['before', 'champion']), 3)).toBe('build 3.1, champion');
  });
});

it('facts on one set of rows are picked by the prefix of their names, which they lose', () => {
  const facts = { accuracy: 0.9, new_batch_accuracy: 0.8, prequential_rows: 50 };
  expect(pickFacts(facts, 'new_batch_')).toEqual({ accuracy: 0.8 });
  expect(pickFacts(facts, 'prequential_')).toEqual({ rows: 50 });
  expect(pickFacts({ accuracy_new_batch_: 1 }, 'new_batch_')).toBeUndefined();
});

describe('rows that are left out', () => {
  it('are counted in words', () => {
    expect(describeKnownRows({ left_out: 1 })).toBe(
      'without 1 row that is equal to one that it was trained on',
    );
    expect(describeKnownRows({ left_out: 2 })).toBe(
      'without 2 rows that are equal to one that it was trained on',
    );
    expect(describeLeftOut({ left_out: 1 }, 'version 2')).toMatch(
      /^1 test row is left out of the comparison with version 2, because/,
    );
    expect(describeLeftOut({ left_out: 3 }, 'version 2')).toMatch(/^3 test rows are left out of/);
  });

  it.each([{}, { left_out: 0 }])('are not mentioned where there is none: %j', (facts) => {
    expect(describeKnownRows(facts)).toBe('');
    expect(describeLeftOut(facts, 'version 2')).toBe('');
  });
});
