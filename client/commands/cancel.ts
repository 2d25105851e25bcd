import type { Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function cancelCommand(context: CommandContext): Command {
  return pipelineCommand('cancel', 'stop the run of a batch; what it has stored stays')
    .argument('<N>', 'the batch, from 1', batchArgument)
    .addHelpText('after', examples('cancel 2'))
    .action(async (batch: number, { pipeline, json }: CommonFlags) => {
      const { cancel } = await import('../cancel.ts');
      const config = context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, json };
      process.exitCode = await cancel(config, asked);
    });
}
