import { join } from 'node:path';
import type { Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../context.ts';

interface CheckoutFlags extends CommonFlags {
  out: string;
  force?: boolean;
}

export function checkoutCommand(context: CommandContext): Command {
  return pipelineCommand('checkout', 'bring a version back: its data, model and metrics as files')
    .argument('<N>', 'the version, from 1', batchArgument)
    .option('--out <dir>', 'the folder to write into', '.')
    .option('--force', 'overwrite files that have been edited')
    .addHelpText('after', examples('checkout 2', 'checkout 1 --out ../version-1'))
    .action(async (version: number, { pipeline, ...flags }: CheckoutFlags) => {
      const { checkout } = await import('../checkout.ts');
      const config = await context.configure(pipeline);
      const cache = join(context.root, '.retrain', 'cache');
      const asked = { pipeline: config.pipeline, version, cache, ...flags };
      process.exitCode = await checkout(config, asked);
    });
}
