import { join } from 'node:path';
import type { Command } from 'commander';
import { setArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function pendingCommand(context: CommandContext): Command {
  return pipelineCommand('pending', 'list what has arrived and has no version')
    .option('--set <key=value>', 'a param as "run" would be given it; repeatable', setArgument)
    .addHelpText('after', examples('pending', 'pending --pipeline sales --json'))
    .action(async ({ pipeline, set, json }: CommonFlags & { set?: Record<string, unknown> }) => {
      const { listPending } = await import('../arrived.ts');
      const config = context.configure(pipeline);
      process.exitCode = await listPending(config, {
        pipeline: config.pipeline,
        set: set ?? {},
        cache: join(context.root, '.retrain', 'cache'),
        json,
      });
    });
}
