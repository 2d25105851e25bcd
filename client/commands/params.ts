import { Command } from 'commander';
import { examples, type CommandContext } from '../context.ts';
import { comparison } from './diff/diff.ts';

export function paramsCommand(context: CommandContext): Command {
  const diff = comparison(context, {
    description: 'show the params that differ between two versions, as "dvc params diff" does',
    load: async () => (await import('../diff-dvc.ts')).diffParams,
    examples: ['params diff 1 2', 'params diff 2.1 2.2 --json'],
  });
  return new Command('params')
    .description("versions' params, as DVC shows them")
    .addHelpText('after', examples('params diff 1 2'))
    .addCommand(diff);
}
