import type { Command } from 'commander';
import { setArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

export function nightlyCommand(context: CommandContext): Command {
  return pipelineCommand('nightly', 'run every batch that has data and no version, in order')
    .option('--set <key=value>', 'override a param for these runs; repeatable', setArgument)
    .addHelpText('after', examples('nightly', 'nightly --pipeline sales --json'))
    .action(async ({ pipeline, set, json }: CommonFlags & { set?: Record<string, unknown> }) => {
      const { openSession } = await import('../session.ts');
      const { runNightly } = await import('../nightly.ts');
      const config = context.configure(pipeline);
      const session = await openSession(config, { check: ['temporal', 'storage'] });
      try {
        process.exitCode = await runNightly(session, {
          pipeline: config.pipeline,
          set: set ?? {},
          rebuild: false,
          json,
        });
      } finally {
        await session.close();
      }
    });
}
