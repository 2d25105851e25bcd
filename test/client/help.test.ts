import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { openProgram } from '../../client/program.ts';
import { WORKER_HELP } from '../../worker/options.ts';
import { context, findFault, loadCommand } from './commands.ts';

const program = await openProgram(context, ['--help']);
const names = program.commands.map((command) => command.name());

/** A command and those below it, each under its whole name. */
function commandsOf(command: Command, above = ''): [name: string, command: Command][] {
  const name = `${above}${command.name()}`;
  return [[name, command], ...command.commands.flatMap((inner) => commandsOf(inner, `${name} `))];
}

function helpOf(command: Command): string {
  let text = '';
  const take = (more: string): void => void (text += more);
  command.configureOutput({ writeOut: take, writeErr: take });
  command.outputHelp();
  return text;
}

const own = (await Promise.all(names.filter((name) => name !== 'worker').map(loadCommand))).flatMap(
  (command) => commandsOf(command),
);

it('--version after a command is no question for the version of the program', async () => {
  const at = await openProgram(context, ['predict']);
  const predict = at.commands.find((command) => command.name() === 'predict')!;
  predict.configureOutput({ writeErr: () => undefined });
  await expect(
    at.parseAsync(['predict', '--in', 'a.csv', '--version'], { from: 'user' }),
  ).rejects.toThrow("unknown option '--version'");
});

describe('--help', () => {
  it.each(own)('of %s has examples of it, with flags that exist', async (name, command) => {
    const examples = [...helpOf(command).matchAll(/^ {2}npx retrain (.+)$/gm)];
    expect(examples.length).toBeGreaterThan(0);
    for (const [, typed] of examples) {
      expect(`${typed} `).toContain(`${name} `);
      expect(await findFault(typed!)).toBeUndefined();
    }
  });

  it('of the worker is its own, with an example', () => {
    expect(WORKER_HELP).toMatch(/npx retrain worker/);
    expect(WORKER_HELP.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('is offered after a mistake, as a line that can be pasted', async () => {
    const at = await openProgram(context, ['stack', 'lgs']);
    let said = '';
    const stack = at.commands.find((command) => command.name() === 'stack')!;
    stack.configureOutput({ writeErr: (text) => void (said += text) });
    await expect(at.parseAsync(['stack', 'lgs'], { from: 'user' })).rejects.toThrow(
      "unknown command 'lgs'",
    );
    expect(said).toContain('(examples: npx retrain stack --help)');
  });

  it('of the program lists every command with a summary, in five groups', () => {
    const help = program.helpInformation();
    for (const name of names) expect(help).toMatch(new RegExp(`^  ${name} .*\\w`, 'm'));
    const groups = ['Run a batch:', 'Compare versions:', 'Use a version:'];
    for (const group of [...groups, 'Operate a pipeline:', 'Set up:'])
      expect(help).toContain(`\n${group}\n`);
  });
});
