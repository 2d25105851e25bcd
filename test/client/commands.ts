import type { Command } from 'commander';
import type { CommandContext } from '../../client/context.ts';
import { openProgram } from '../../client/program.ts';
import { WORKER_HELP } from '../../worker/options.ts';

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

/** The command that a command line names, and the words after its name. */
async function commandOf(words: string[]): Promise<{ command: Command; rest: string[] }> {
  const top = await loadCommand(words[0]!);
  const inner = top.commands.find((one) => one.name() === words[1]);
  return { command: inner ?? top, rest: words.slice(inner === undefined ? 1 : 2) };
}

/** Says which command or flag of a command line does not exist. A comment, a pipe or another command may follow. */
export async function findFault(line: string): Promise<string | undefined> {
  const typed = line.replace(/ +#.*| [|>].*|;.*/, '').trim();
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
