import type { Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

interface WatchFlags extends CommonFlags {
  workflowId?: string;
}

export function watchCommand(context: CommandContext): Command {
  return pipelineCommand('watch', 'follow the run of a batch live, whoever started it')
    .argument('<N>', 'the batch, from 1', batchArgument)
    .option('--workflow-id <id>', 'if another client gave it an id of its own')
    .addHelpText('after', examples('watch 2', 'watch 2 --workflow-id by-hand'))
    .action(async (batch: number, { pipeline, json, workflowId }: WatchFlags) => {
      const { watch } = await import('../watch.ts');
      const config = context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, json, workflowId };
      process.exitCode = await watch(config, asked);
    });
}
