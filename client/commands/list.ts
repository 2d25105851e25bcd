import type { Command } from 'commander';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function listCommand(context: CommandContext): Command {
  return pipelineCommand('list', 'list the versions with their scores side by side')
    .addHelpText('after', examples('list', 'list --pipeline wine --json'))
    .action(async ({ pipeline, json }: CommonFlags) => {
      const { list } = await import('../list.ts');
      process.exitCode = await list(context.configure(pipeline), {
        only: pipeline !== undefined,
        json,
      });
    });
}
