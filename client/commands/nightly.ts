import type { Command } from 'commander';
import { withSet } from '../arguments.ts';
import { withSession } from '../session.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from '../context.ts';

export function nightlyCommand(context: CommandContext): Command {
  return withSet(pipelineCommand('nightly'), 'override a param for these runs; repeatable')
    .addHelpText('after', examples('nightly', 'nightly --pipeline sales --json'))
    .action(async ({ pipeline, set, json }: CommonFlags & { set?: Record<string, unknown> }) => {
      const { runNightly } = await import('../nightly-run.ts');
      const config = await context.configure(pipeline, set);
      const checks = { check: ['temporal', 'storage'], untilTheyRun: true } as const;
      await withSession(config, checks, async (session) => {
        process.exitCode = await runNightly(session, {
          pipeline: config.pipeline,
          set: set ?? {},
          rebuild: false,
          json,
        });
      });
    });
}
