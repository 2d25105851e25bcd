import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { RETRAIN } from '../../contract/command.ts';
import { findFault } from './commands.ts';
import { readCommittedParams } from '../support/params.ts';

/** The pages say what can be pasted: each command in them exists, and has the flags that they give it. */

const root = join(import.meta.dirname, '..', '..');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The commands in the code of a page: what follows `npx retrain` on its line. */
function commandsIn(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const found = text.matchAll(new RegExp(`(?<![\\w-])${RETRAIN} ([a-z][^\`"\\n]*)`, 'g'));
  return Array.from(found, ([, typed]) => typed!);
}

it.each(pages)('%s names commands and flags that exist', async (page) => {
  const faults = await Promise.all(commandsIn(page).map(findFault));
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});

it('the pages name the commands in one way', () => {
  const others = pages.filter((page) =>
    /npm run (-s )?(client|worker)\b|tsx client\.ts/.test(readFileSync(join(root, page), 'utf8')),
  );
  expect(others).toEqual([]);
  expect(pages.flatMap(commandsIn).length).toBeGreaterThan(60);
});

it('docs/params.md names every param of params.yaml', () => {
  const { pipelines: _, ...settings } = parse(readCommittedParams()) as Record<string, object>;
  const sections = Object.entries(settings).filter(([, value]) => typeof value === 'object');
  const keys = sections.flatMap(([, section]) => Object.keys(section));
  const text = readFileSync(join(root, 'docs', 'params.md'), 'utf8');
  const named = new Set(
    Array.from(text.matchAll(/`([\w.]+)`/g), ([, path]) => path!.split('.')).flat(),
  );
  expect(keys.filter((key) => !named.has(key))).toEqual([]);
});

/** Variables that the local stack sets for its own processes. */
const INTERNAL = new Set(['RETRAIN_STACK_MLFLOW_URI', 'RETRAIN_STACK_PART']);

it('docs/params.md names every variable that the program reads', () => {
  const folders = [
    'activities',
    'client',
    'compute',
    'config',
    'infra',
    'pipeline',
    'serving',
    'sources',
    'store',
    'tracking',
    'worker',
  ];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(root, folder, name)),
  );
  const read = [...files, join(root, 'worker.ts')].flatMap((file) =>
    Array.from(
      readFileSync(file, 'utf8').matchAll(/'((?:RETRAIN|MLFLOW)_[A-Z0-9_]*[A-Z0-9])'/g),
      ([, name]) => name!,
    ),
  );
  expect(read.length).toBeGreaterThan(10);
  const text = readFileSync(join(root, 'docs', 'params.md'), 'utf8');
  const missing = read.filter((name) => !text.includes(`\`${name}\``) && !INTERNAL.has(name));
  expect([...new Set(missing)]).toEqual([]);
});

it.each(pages)('%s links to pages and pictures that exist', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const targets = Array.from(text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, target]) => target!);
  const missing = targets.filter((target) => !existsSync(join(root, dirname(page), target)));
  expect(missing).toEqual([]);
});
