import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  formatLicences,
  isAccepted,
  listNpmLicences,
  listPythonLicences,
  readLicences,
} from '../../infra/licences.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

describe('the licences of all packages', () => {
  it('are known and accepted, of npm and of Python', () => {
    const { npm, python } = readLicences(root);
    expect(npm.length).toBeGreaterThan(300);
    expect(python.length).toBeGreaterThan(90);
  });

  it('are listed in docs/licences.md: update it with "npm run licences" after a change of packages', () => {
    const { npm, python } = readLicences(root);
    expect(read('docs/licences.md')).toContain(formatLicences(npm, python));
  });

  it('are named for no package of Python that is no longer required', () => {
    const { python } = readLicences(root);
    const named = Object.keys(JSON.parse(read('infra/python-licences.json')) as object);
    expect(named.toSorted()).toEqual(python.map(({ name }) => name).toSorted());
  });
});

describe('a licence', () => {
  it.each([
    ['MIT', true],
    ['Apache-2.0 AND MIT', true],
    ['GPL-2.0-only OR MIT', true],
    ['(MIT OR CC0-1.0)', true],
    ['GPL-3.0-only', false],
    ['MIT AND GPL-3.0-only', false],
    ['SEE LICENSE IN LICENSE.txt', false],
    ['unknown', false],
    ['', false],
  ])('%s is accepted: %s', (licence, accepted) => expect(isAccepted(licence)).toBe(accepted));

  it('that a package does not name is unknown', () => {
    const packages = { '': {}, 'node_modules/a/node_modules/@b/c': { dev: true } };
    expect(listNpmLicences({ packages })).toEqual([
      { name: '@b/c', licence: 'unknown', dev: true },
    ]);
    const licences = { 'typing-extensions': 'PSF-2.0' };
    const listed = listPythonLicences(['typing_extensions==1\nconstructor==2\n# x==3\n'], licences);
    expect(listed.map(({ licence }) => licence)).toEqual(['PSF-2.0', 'unknown']);
  });
});
