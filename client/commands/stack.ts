import { Command } from 'commander';
import { examples, type CommandContext } from './context.ts';

const PARTS = [
  ['up', 'start what is not running, and wait until it answers'],
  ['down', 'stop it; its state stays'],
  ['status', 'show each part'],
] as const;

export function stackCommand({ root }: CommandContext): Command {
  const stack = new Command('stack')
    .description('the local stack: Temporal, S3, MLflow and a worker, with their state in .stack/')
    .addHelpText('after', examples('stack up', 'stack status', 'stack down'));
  for (const [name, description] of PARTS)
    stack
      .command(name)
      .description(description)
      .option('--json', 'print exactly one JSON document on stdout')
      .addHelpText('after', examples(`stack ${name}`))
      .action(async ({ json }: { json?: boolean }) => {
        const { stack: run } = await import('../stack.ts');
        process.exitCode = await run(name, root, { json });
      });
  return stack;
}
