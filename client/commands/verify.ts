import type { Command } from 'commander';
import { BadParams } from '../../contract/failures.ts';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../context.ts';

interface VerifyFlags extends CommonFlags {
  all?: boolean;
  repair?: boolean;
}

export function verifyCommand(context: CommandContext): Command {
  return pipelineCommand('verify', 'read all a version consists of: is it there, and whole?')
    .argument('[N]', 'the version, from 1', batchArgument)
    .option('--all', 'every version, reading each object once')
    .option('--repair', 'make what is missing or damaged anew, where what it is made of is left')
    .addHelpText('after', examples('verify 2', 'verify --all --json', 'verify --all --repair'))
    .action(async (version: number | undefined, flags: VerifyFlags) => {
      const { pipeline, json, all, repair } = flags;
      if ((version === undefined) === (all !== true))
        throw new BadParams('verify needs a version or --all: for one, "verify 1"');
      const { verify } = await import('../verify.ts');
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, version, json, repair };
      process.exitCode = await verify(config, asked);
    });
}
