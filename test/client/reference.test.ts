import { join } from 'node:path';
import type { Command } from 'commander';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { openProgram } from '../../client/program.ts';
import { RETRAIN } from '../../contract/command.ts';
import { WORKER_HELP } from '../../worker/options.ts';
import { context, loadCommand } from './commands.ts';

const root = join(import.meta.dirname, '..', '..');
const page = join(root, 'docs', 'commands.md');

const INTRODUCTION = [
  `In the project's folder, \`./retrain COMMAND\` does the same as \`${RETRAIN} COMMAND\` and starts half a second sooner. Each command has`,
  '`--help` with examples. `N` is the number of a batch and of its version. Results go to stdout, progress to stderr. [Exit codes and',
  'JSON](json.md) describes the exit codes and the documents of `--json`.',
  '',
  'This page is generated from the program: `npx vitest run test/client/reference.test.ts -u` writes it.',
].join('\n');

function escapeText(text: string): string {
  return text.replace(/[<|]/g, (sign) => `\\${sign}`);
}

/** How to call a command and the commands inside it, and their flags. */
function describeCommand(command: Command, path: string): string {
  if (command.name() === 'worker') return `\`\`\`\n${WORKER_HELP.trim()}\n\`\`\``;
  const inner = command.commands.filter((one) => one.name() !== 'help');
  if (inner.length > 0)
    return [
      command.options.length === 0
        ? escapeText(command.description())
        : describeFlags(command, path),
      ...inner.map((one) => describeCommand(one, `${path} ${one.name()}`)),
    ].join('\n\n');
  return describeFlags(command, path);
}

function describeFlags(command: Command, path: string): string {
  const help = command.createHelp();
  const usage = command.usage().replace('[options]', '').replace('[command]', '').trim();
  const line = (term: string, description: string): string =>
    `| \`${term.replaceAll('|', '\\|')}\` | ${escapeText(description)} |`;
  const terms = help
    .visibleArguments(command)
    .map((one) => line(one.required ? `<${one.name()}>` : `[${one.name()}]`, one.description));
  const flags = help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .map((option) => line(option.flags, help.optionDescription(option)));
  return [
    `\`${`${path} ${usage}`.trim()}\`: ${escapeText(command.description())}`,
    ...(flags.length === 0
      ? []
      : [
          [
            `| ${terms.length === 0 ? 'flag' : 'argument or flag'} | meaning |`,
            '| - | - |',
            ...terms,
            ...flags,
          ].join('\n'),
        ]),
  ].join('\n\n');
}

it('docs/commands.md lists every command and flag of the program', async () => {
  const { commands } = await openProgram(context, []);
  const lines = [`# Commands\n\n${INTRODUCTION}`];
  let group = '';
  for (const listed of commands) {
    if (listed.helpGroup() !== group) lines.push(`## ${listed.helpGroup().replace(':', '')}`);
    group = listed.helpGroup();
    const command = await loadCommand(listed.name());
    lines.push(`### ${command.name()}`, describeCommand(command, `${RETRAIN} ${command.name()}`));
  }
  const options = await resolveConfig(page);
  const text = await format(lines.join('\n\n'), { ...options, filepath: page });
  await expect(text).toMatchFileSnapshot(page);
});
