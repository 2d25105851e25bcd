import { Command } from 'commander';
import { countArgument } from '../arguments.ts';
import { examples, type CommandContext } from './context.ts';

export function replayCommand(context: CommandContext): Command {
  return new Command('replay')
    .description('before a deploy: run open and recent histories through the workflow code here')
    .option('--limit <n>', 'how many at most, the open ones first', countArgument, 100)
    .option('--query <filter>', "Temporal's list filter, instead of everything on the task queue")
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('replay', `replay --query "WorkflowType = 'trainBatch'"`))
    .action(async (flags: { limit: number; query?: string; json?: boolean }) => {
      const { replayHistories } = await import('../replay.ts');
      process.exitCode = await replayHistories(context.configure(), flags);
    });
}
