import { Option, type Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../context.ts';

interface LineageFlags extends CommonFlags {
  mermaid?: boolean;
  svg?: string;
}

export function lineageCommand(context: CommandContext): Command {
  return pipelineCommand('lineage', 'show what a version was made of, raw data to metrics')
    .argument('<N>', 'the version, from 1', batchArgument)
    .addOption(new Option('--mermaid', 'print a Mermaid flowchart').conflicts('json'))
    .option('--svg <file>', 'draw it into a file')
    .addHelpText('after', examples('lineage 2', 'lineage 2 --mermaid', 'lineage 2 --svg two.svg'))
    .action(async (version: number, { pipeline, ...flags }: LineageFlags) => {
      const { lineage } = await import('../lineage.ts');
      const config = await context.configure(pipeline);
      process.exitCode = await lineage(config, {
        pipeline: config.pipeline,
        version,
        ...flags,
      });
    });
}
