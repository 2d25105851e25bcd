import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../contract/failures.ts';

/**
 * `npm run licences`: checks the licences of all packages that this project installs, and prints the list in
 * docs/licences.md.
 */

/** Licences that permit use, change and distribution, with no duty on code that only uses the package. */
const ACCEPTED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0', // data
  'CC0-1.0',
  'ISC',
  'LGPL-3.0-only', // a library that stays a separate package
  'MIT',
  'MIT-0',
  'MIT-CMU',
  'MPL-2.0', // files that stay as they are
  'PSF-2.0',
  'Unlicense',
  'Zlib',
  'ZPL-2.1',
]);

/** Packages whose package.json names no licence; the file LICENSE in them does. */
const BY_FILE: Record<string, string> = { unionfs: 'Unlicense' };

/** A package and its licence, an expression of SPDX. */
export interface Licensed {
  name: string;
  licence: string;
  /** Whether only the development of this project needs it. */
  dev: boolean;
}

interface Lock {
  packages: Record<string, { license?: string; dev?: boolean; optional?: boolean; os?: string[] }>;
}

/** The packages of npm in package-lock.json. Those for one platform only are listed by their licence, not by name. */
export function listNpmLicences({ packages }: Lock): Licensed[] {
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { license, dev = false, os }]) => {
      const name = path.replace(/^.*node_modules\//, '');
      const licence = license ?? BY_FILE[name] ?? 'unknown';
      return { name: os === undefined ? name : `${name.replace(/\/.*/, '')}/…`, licence, dev };
    });
}

/** The packages of Python in requirements files, by the licences that python-licences.json names. */
export function listPythonLicences(
  requirements: readonly string[],
  licences: Readonly<Record<string, string>>,
): Licensed[] {
  const names = requirements
    .flatMap((text) => [...text.matchAll(/^([A-Za-z0-9_.-]+)==/gm)])
    .map(([, name]) => name!.toLowerCase().replace(/[-_.]+/g, '-'));
  return [...new Set(names)].map((name) => ({
    name,
    licence: Object.hasOwn(licences, name) ? licences[name]! : 'unknown',
    dev: false,
  }));
}

/** Whether a licence is accepted: of a choice one part, of a combination all parts. */
export function isAccepted(licence: string): boolean {
  const plain = licence.replace(/^\((.*)\)$/, '$1');
  if (plain.includes(' OR ')) return plain.split(' OR ').some(isAccepted);
  return plain.split(' AND ').every((part) => ACCEPTED.has(part));
}

/** The list of docs/licences.md: a table for each kind of package, by licence. */
export function formatLicences(npm: readonly Licensed[], python: readonly Licensed[]): string {
  const used = npm.filter(({ dev }) => !dev);
  const developing = new Set(npm.filter(({ dev }) => dev).map(({ licence }) => licence));
  return [
    '## Packages of npm that run',
    formatTable(used),
    '## Packages of Python in the local stack and the images',
    formatTable(python),
    '## Packages that only the development needs',
    `Their licences are ${[...developing].sort().join(', ')}.`,
  ].join('\n\n');
}

function formatTable(packages: readonly Licensed[]): string {
  const licences = [...new Set(packages.map(({ licence }) => licence))].sort();
  const rows = licences.map((licence) => {
    const names = packages.filter((one) => one.licence === licence).map(({ name }) => name);
    return `- **${licence}**: ${[...new Set(names)].sort().join(', ')}`;
  });
  return rows.join('\n');
}

/**
 * Reads the packages of this project.
 * @throws SetupError that names the packages whose licence is unknown or not accepted
 */
export function readLicences(root: string): { npm: Licensed[]; python: Licensed[] } {
  const read = (name: string): string => readFileSync(join(root, name), 'utf8');
  const npm = listNpmLicences(JSON.parse(read('package-lock.json')) as Lock);
  const python = listPythonLicences(
    ['bootstrap.txt', 'requirements.txt', 'containers/requirements.txt'].map((name) =>
      read(join('infra', name)),
    ),
    JSON.parse(read('infra/python-licences.json')) as Record<string, string>,
  );
  const refused = [...npm, ...python].filter(({ licence }) => !isAccepted(licence));
  if (refused.length > 0)
    throw new SetupError(
      `${refused.map(({ name, licence }) => `${name} (${licence})`).join(', ')}: read the licence of each, and add it to infra/licences.ts (a package of Python: to infra/python-licences.json), or use another package`,
    );
  return { npm, python };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { npm, python } = readLicences(fileURLToPath(new URL('..', import.meta.url)));
  process.stdout.write(`${formatLicences(npm, python)}\n`);
}
