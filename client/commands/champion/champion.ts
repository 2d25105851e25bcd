import { Argument, type Command } from 'commander';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';

export function championCommand(context: CommandContext): Command {
  return pipelineCommand('champion')
    .addArgument(
      new Argument(
        '[history]',
        'every change of the champion, and every version that did not become it, oldest first',
      ).choices(['history']),
    )
    .addHelpText(
      'after',
      examples('champion', 'champion history', 'champion --pipeline wine --json'),
    )
    .action(async (what: 'history' | undefined, { pipeline, json }: CommonFlags) => {
      const config = await context.configure(pipeline);
      const { showChampion, showHistory } = await import('./show.ts');
      const show = what === 'history' ? showHistory : showChampion;
      process.exitCode = await show(config, json === true);
    });
}
