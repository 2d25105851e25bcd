import { CommanderError } from 'commander';
import { expect, it } from 'vitest';
import { loadCommand } from '../commands.ts';
import { parseBuild } from '../../../client/arguments.ts';

/** Types a command line that must be refused before anything is read, and returns the sentence. */
async function refuse(name: string, ...words: string[]): Promise<string> {
  const command = await loadCommand(name);
  let said = '';
  command.configureOutput({ writeErr: (text) => void (said += text) });
  await expect(command.parseAsync(words, { from: 'user' })).rejects.toThrow(CommanderError);
  return said;
}

it.each(['approve', 'reject', 'promote'])('%s needs a version and a reason', async (name) => {
  expect(await refuse(name, '--reason', 'checked')).toContain("missing required argument 'N'");
  expect(await refuse(name, '5')).toContain("required option '--reason <text>' not specified");
  expect(await refuse(name, '5', '--reason', '  ')).toContain('say in a few words why.');
  expect(await refuse(name, 'latest', '--reason', 'x')).toContain('a version is a whole number');
  expect(await refuse(name, '5', '--reason', 'x', '--by', '')).toContain(
    'give the name of a person.',
  );
});

it.each([
  ['a reason', ['--reason', 'a\u001b[2Jb\u202ec'], 'a text of 1 to 1000 characters'],
  ['a name', ['--reason', 'x', '--by', 'a\u001bb\u202e'], 'the name of a person of 1 to 100'],
])('%s with control characters is refused, and they are named', async (_, flags, expected) => {
  const said = await refuse('approve', '5', ...flags);
  expect(said).toContain(expected);
  expect(said).toContain('without control characters: it has \\u001b, \\u202e.');
});

it('a text that is too long is refused', async () => {
  const long = await refuse('approve', '5', '--reason', 'x'.repeat(1_001));
  expect(long).toContain('expected a text of 1 to 1000 characters.');
  const line = await refuse('approve', '5', '--reason', 'x', '--by', 'kim\nlee');
  expect(line).toContain('without control characters: it has \\u000a.');
});

it.each(['approve', 'reject'])('%s takes a build of a version', async (name) => {
  for (const wrong of ['5.', '5.0', '.1', '5.x', '1000000'])
    expect(await refuse(name, wrong, '--reason', 'x')).toContain('a version is a whole number');
  expect(await refuse(name, '5.1.2', '--reason', 'x')).toContain('a build has two numbers');
  expect(parseBuild('5')).toEqual({ version: 5 });
  expect(parseBuild('5.12')).toEqual({ version: 5, seq: 12 });
});

it('promote takes a version without a build', async () => {
  expect(await refuse('promote', '4.1', '--reason', 'x')).toContain(
    'a version is a whole number from 1 to 999999.',
  );
});

it('rollback needs a reason, and takes a version alone after --to', async () => {
  expect(await refuse('rollback')).toContain("required option '--reason <text>' not specified");
  expect(await refuse('rollback', '3', '--reason', 'x')).toContain('too many arguments');
  expect(await refuse('rollback', '--to', '0', '--reason', 'x')).toContain('a version is a whole');
});

it('champion takes no other word than history', async () => {
  expect(await refuse('champion', 'log')).toContain('Allowed choices are history');
});
