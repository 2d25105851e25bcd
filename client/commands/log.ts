import type { Command } from 'commander';
import { BadParams } from '../../contract/failures.ts';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function logCommand(context: CommandContext): Command {
  return pipelineCommand('log', 'log a built version to where runs are tracked now')
    .argument('[N]', 'the version, from 1', batchArgument)
    .option('--all', 'every version, in order')
    .addHelpText('after', examples('log 2', 'log --all'))
    .action(async (version: number | undefined, flags: CommonFlags & { all?: boolean }) => {
      if ((version === undefined) !== (flags.all === true))
        throw new BadParams('log needs a version or --all: for one, "log 2" or "log --all"');
      const { log } = await import('../log.ts');
      const config = context.configure(flags.pipeline);
      const { pipeline } = config;
      process.exitCode = await log(config, { pipeline, version, json: flags.json });
    });
}
