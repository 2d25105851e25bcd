import type { Command } from 'commander';
import { batchArgument, withSet } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../context.ts';

interface WhyFlags extends CommonFlags {
  set?: Record<string, unknown>;
}

export function whyCommand(context: CommandContext): Command {
  return withSet(
    pipelineCommand('why', 'show what a run of a batch would take from the cache, and why not'),
    'override a param, as for "run"; repeatable',
  )
    .argument('<N>', 'the batch, from 1', batchArgument)
    .addHelpText('after', examples('why 2', 'why 2 --set model.max_depth=3 --json'))
    .action(async (batch: number, { pipeline, set, json }: WhyFlags) => {
      const { why } = await import('../why.ts');
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, set: set ?? {}, json };
      process.exitCode = await why(config, asked);
    });
}
