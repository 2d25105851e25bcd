import { join } from 'node:path';
import { script } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import { Argument, Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { RETRAIN } from '../../contract/command.ts';

const HOW = `
Add it to the start of your shell:
  source <(${RETRAIN} complete bash)    # in ~/.bashrc, with the package bash-completion
  source <(${RETRAIN} complete zsh)     # in ~/.zshrc, after compinit
  ${RETRAIN} complete fish | source     # in ~/.config/fish/config.fish
It completes "retrain" and "./retrain".`;

/** `complete SHELL`: prints the script by which a shell asks `complete -- WORDS` how a command line can go on. */
export function completeCommand({ root }: CommandContext): Command {
  const shells = ['bash', 'zsh', 'fish'];
  return new Command('complete')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText('after', HOW)
    .action((shell: string) => script(shell, 'retrain', quoteForShell(join(root, 'retrain'))));
}

function quoteForShell(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** Adds the command `complete -- WORDS`, which prints the words that may follow. */
export function addCompletion(program: Command): void {
  tab(program);
}
