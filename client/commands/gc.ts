import { InvalidArgumentError, type Command } from 'commander';
import { batchArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

interface GcFlags extends CommonFlags {
  keepLast?: number;
  keep: number[];
  yes?: boolean;
  apply?: boolean;
}

export function gcCommand(context: CommandContext): Command {
  return pipelineCommand('gc', 'remove what no version, batch or run of any pipeline leads to')
    .option(
      '--keep-last <K>',
      'give up the artifacts of all versions but the last K',
      countArgument,
    )
    .option(
      '--keep <N>',
      'a version whose artifacts to keep too (repeatable)',
      (text: string, sofar: number[]) => [...sofar, batchArgument(text)],
      [],
    )
    .option('--yes', 'do it; without this, only say what would be removed')
    .option('--apply', 'the same as --yes')
    .addHelpText('after', examples('gc', 'gc --yes', 'gc --keep-last 5 --keep 1 --yes'))
    .action(async ({ pipeline, json, keepLast: last, keep, yes, apply }: GcFlags) => {
      const { gc } = await import('../gc.ts');
      const config = context.configure(pipeline);
      process.exitCode = await gc(config, {
        pipeline: config.pipeline,
        last,
        versions: keep,
        yes: yes === true || apply === true,
        json,
      });
    });
}

function countArgument(text: string): number {
  const count = Number(text);
  if (/^[0-9]+$/.test(text) && count >= 1) return count;
  throw new InvalidArgumentError('how many versions to keep is a whole number from 1.');
}
