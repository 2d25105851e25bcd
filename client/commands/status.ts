import type { Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function statusCommand(context: CommandContext): Command {
  return pipelineCommand('status', "show a batch's latest run and the version that stands")
    .argument('<N>', 'the batch, from 1', batchArgument)
    .addHelpText('after', examples('status 2', 'status 2 --json'))
    .action(async (batch: number, { pipeline, json }: CommonFlags) => {
      const { status } = await import('../status.ts');
      const config = context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, json };
      process.exitCode = await status(config, asked);
    });
}
