import type { Command } from 'commander';
import type { Config } from '../../config/environment.ts';
import type { DiffRequest } from '../diff.ts';
import { buildArgument, type BuildName } from '../diff/build.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function diffCommand(context: CommandContext): Command {
  return comparison(context, {
    description: 'show what differs between two versions: rows, params, metrics, model, artifacts',
    load: async () => (await import('../diff.ts')).diff,
    examples: ['diff 1 2', 'diff 2.1 2.2 --json'],
  });
}

/** A command that takes two builds. */
export function comparison(
  context: CommandContext,
  of: {
    description: string;
    load: () => Promise<(config: Config, request: DiffRequest) => Promise<number>>;
    examples: string[];
  },
): Command {
  return pipelineCommand('diff', of.description)
    .argument('<A>', 'a version; 3.1 is the first build of version 3, 3 its latest', buildArgument)
    .argument('<B>', 'another', buildArgument)
    .addHelpText('after', examples(...of.examples))
    .action(async (old: BuildName, now: BuildName, { pipeline, json }: CommonFlags) => {
      const compare = await of.load();
      const config = context.configure(pipeline);
      const asked = { pipeline: config.pipeline, old, new: now, json };
      process.exitCode = await compare(config, asked);
    });
}
