import type { Command } from 'commander';
import { batchArgument, setArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

interface AmendFlags extends CommonFlags {
  source: string;
  set?: Record<string, unknown>;
  rebuild?: boolean;
}

export function amendCommand(context: CommandContext): Command {
  return pipelineCommand('amend', 'replace the rows of a batch; what they were stays reachable')
    .argument('<K>', 'the batch, from 1', batchArgument)
    .requiredOption('--source <file>', 'a CSV file with all rows of the batch')
    .option('--set <key=value>', 'a param as "run" would be given it; repeatable', setArgument)
    .option('--rebuild', 'build the versions anew that rest on what it was')
    .addHelpText(
      'after',
      examples('amend 2 --source ./mended.csv', 'amend 2 --source ./mended.csv --rebuild'),
    )
    .action(async (batch: number, { pipeline, source, set, rebuild, json }: AmendFlags) => {
      const { amend } = await import('../amend.ts');
      const config = context.configure(pipeline);
      process.exitCode = await amend(config, {
        pipeline: config.pipeline,
        batch,
        source,
        set: set ?? {},
        rebuild: rebuild === true,
        json,
      });
    });
}
