import { describe, expect, it } from 'vitest';
import { failed } from '../../client/doctor/finding.ts';
import { node, skew } from '../../client/doctor/machine.ts';
import { SetupError } from '../../errors.ts';

describe('doctor', () => {
  it('takes an error apart into what is found and how to mend it', () => {
    const error = new SetupError('no server answers at localhost:7233: start it with "stack up"');
    expect(failed('Temporal', error)).toEqual({
      check: 'Temporal',
      state: 'fail',
      found: 'no server answers at localhost:7233',
      mend: 'start it with "stack up"',
    });
  });

  it.each([
    ['20.18.9', 'fail'],
    ['20.19.0', 'ok'],
    ['18.20.0', 'fail'],
    ['24.1.0', 'ok'],
  ])('takes Node %s as %s', (version, state) => {
    expect(node(version).state).toBe(state);
  });

  it.each([
    [0, 'ok'],
    [-4_000, 'ok'],
    [60_000, 'warn'],
    [-60_000, 'warn'],
    [900_000, 'fail'],
  ])('a clock that is %d ms ahead is %s', (ahead, state) => {
    expect(skew('s3', 1_000_000_000, 1_000_000_500 + ahead).state).toBe(state);
  });
});
