import type { Command } from 'commander';
import type { CommandContext } from '../../client/context.ts';
import { openProgram } from '../../client/program.ts';

/** A context in which no command runs: it has no project. */
export const context: CommandContext = {
  root: '/nowhere',
  configure: () => {
    throw new Error('nothing is run, so params.yaml is not read');
  },
};

/** A command of the program with its flags, which the program loads only where it is named. */
export async function loadCommand(name: string): Promise<Command> {
  const { commands } = await openProgram(context, [name]);
  const command = commands.find((one) => one.name() === name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  return command;
}
