import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { openProgram } from '../../client/program.ts';
import { WORKER_HELP } from '../../worker/options.ts';

const program = openProgram({
  root: '/nowhere',
  configure: () => {
    throw new Error('help reads no params.yaml');
  },
});

/** Every command under its whole name. */
function commandsOf(command: Command, above = ''): [name: string, command: Command][] {
  return command.commands.flatMap((inner) => {
    const name = `${above}${inner.name()}`;
    return [[name, inner] as [string, Command], ...commandsOf(inner, `${name} `)];
  });
}

function helpOf(command: Command): string {
  let text = '';
  const take = (more: string): void => void (text += more);
  command.configureOutput({ writeOut: take, writeErr: take });
  command.outputHelp();
  return text;
}

const own = commandsOf(program).filter(([name]) => name !== 'worker');

describe('--help', () => {
  it.each(own)('of %s has an example that it would take', (name, command) => {
    const examples = [...helpOf(command).matchAll(/^ {2}npm run client -- (.+)$/gm)];
    expect(examples.length).toBeGreaterThan(0);
    for (const [, typed] of examples) expect(`${typed} `).toContain(`${name} `);
  });

  it('of the worker is its own, with an example', () => {
    expect(WORKER_HELP).toMatch(/npm run (client -- )?worker/);
  });

  it('of the program names every command', () => {
    for (const { name } of program.commands.map((command) => ({ name: command.name() })))
      expect(program.helpInformation()).toContain(`  ${name}`);
  });
});
