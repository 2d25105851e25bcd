import { describe, expect, it } from 'vitest';
import {
  isSameBuild,
  makeNoChampionError,
  makeNoVersionError,
  makesChampion,
  nameBuild,
  writeAnswers,
} from '../../contract/versions.ts';

describe('a build', () => {
  it('is named by its version and its number', () => {
    expect(nameBuild({ version: 5, seq: 1 })).toBe('5.1');
  });

  it('is the same only with the same version and the same number', () => {
    const build = { version: 5, seq: 1 };
    expect(isSameBuild(build, { version: 5, seq: 1 })).toBe(true);
    expect(isSameBuild(build, { version: 5, seq: 2 })).toBe(false);
    expect(isSameBuild(build, { version: 4, seq: 1 })).toBe(false);
    expect(isSameBuild(build, null)).toBe(false);
    expect(isSameBuild(null, build)).toBe(false);
    expect(isSameBuild(null, null)).toBe(true);
  });

  it('becomes the champion by a promotion or a rollback, and by nothing else', () => {
    const actions = [
      'promoted',
      'rolled_back',
      'held',
      'rejected',
      'expired',
      'superseded',
    ] as const;
    expect(actions.filter(makesChampion)).toEqual(['promoted', 'rolled_back']);
  });

  it('that waits is approved and rejected by commands that can be pasted', () => {
    expect(writeAnswers('iris', { version: 5, seq: 1 })).toEqual({
      approve: 'npx retrain approve 5.1 --reason "REASON" --pipeline iris',
      reject: 'npx retrain reject 5.1 --reason "REASON" --pipeline iris',
    });
  });
});

describe('a pipeline', () => {
  it('without a version is answered with the command that makes one', () => {
    expect(makeNoVersionError('iris')).toMatchObject({
      name: 'MissingHistory',
      message: 'iris has no version yet: make one with "npx retrain run 1 --pipeline iris"',
    });
  });

  it('without a champion is answered with the ways to get one', () => {
    expect(makeNoChampionError('iris')).toMatchObject({
      name: 'MissingHistory',
      message: expect.stringContaining('"npx retrain promote N --reason REASON --pipeline iris"'),
    });
  });
});
