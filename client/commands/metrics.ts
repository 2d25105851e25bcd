import { Command } from 'commander';
import { examples, type CommandContext } from '../context.ts';
import { comparison } from './diff/diff.ts';

export function metricsCommand(context: CommandContext): Command {
  const diff = comparison(context, {
    description: 'show the metrics that differ between two versions, as "dvc metrics diff" does',
    load: async () => (await import('../diff-dvc.ts')).diffMetrics,
    examples: ['metrics diff 1 2', 'metrics diff 2.1 2.2 --json'],
  });
  return new Command('metrics')
    .description("versions' metrics, as DVC shows them")
    .addHelpText('after', examples('metrics diff 1 2'))
    .addCommand(diff);
}
