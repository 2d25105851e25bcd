import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { RETRAIN } from '../../contract/command.ts';
import { WORKER_HELP } from '../../worker/options.ts';
import { loadCommand } from './commands.ts';
import { readCommittedParams } from '../support/params.ts';

/** The pages say what can be pasted: each command in them exists, and has the flags that they give it. */

const root = join(import.meta.dirname, '..', '..');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The commands in the code of a page: what follows `npx retrain` on its line, up to a comment. */
function commandsIn(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const found = text.matchAll(new RegExp(`(?<![\\w-])${RETRAIN} ([a-z][^\`"\\n]*)`, 'g'));
  return Array.from(found, ([, typed]) => typed!.replace(/ +#.*| [|>].*|;.*/, '').trim());
}

/** The command that a command line names, and the words after its name. */
async function commandOf(words: string[]): Promise<{ command: Command; rest: string[] }> {
  const top = await loadCommand(words[0]!);
  const inner = top.commands.find((one) => one.name() === words[1]);
  return { command: inner ?? top, rest: words.slice(inner === undefined ? 1 : 2) };
}

async function faultOf(typed: string): Promise<string | undefined> {
  const words = typed.match(/'[^']*'|\S+/g) ?? [];
  const { command, rest } = await commandOf(words);
  const flags = rest.filter((word) => word.startsWith('--'));
  const isKnown = (flag: string): boolean =>
    command.name() === 'worker'
      ? WORKER_HELP.includes(flag) || flag === '--help'
      : flag === '--help' || command.options.some(({ long }) => long === flag);
  const unknown = flags.filter((flag) => !isKnown(flag.replace(/[,=].*/, '')));
  if (unknown.length > 0) return `${typed}: no flag ${unknown.join(', ')}`;
  const isFlag = command.options.length > 0 && rest[0]?.startsWith('--');
  const needsInner = command.commands.length > 0 && rest[0] !== undefined && !isFlag;
  return needsInner ? `${typed}: no command ${rest[0]}` : undefined;
}

it.each(pages)('%s names commands and flags that exist', async (page) => {
  const faults = await Promise.all(commandsIn(page).map(faultOf));
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
  const folders = ['activities', 'compute', 'config', 'infra', 'sources', 'store', 'worker'];
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
