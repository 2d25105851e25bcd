import { Command } from 'commander';
import { examples, type CommandContext } from './context.ts';

const PARTS = [
  ['up', 'start what is not running, and wait until it answers'],
  ['down', 'stop it; its state stays'],
  ['status', 'show each part'],
] as const;

export function stackCommand({ root, configure }: CommandContext): Command {
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
  stack.addCommand(
    stateCommand('backup <file>', 'the whole state of the running stack in one file').action(
      async (file: string, flags: StateFlags) => {
        const { backup } = await import('../stack-state.ts');
        process.exitCode = await backup(file, { root, configure, ...flags });
      },
    ),
  );
  stack.addCommand(
    stateCommand('restore <file>', 'put a backup in the place of a stack that is down')
      .option('--yes', 'do not ask before it takes the place of what is there')
      .action(async (file: string, flags: StateFlags) => {
        const { restore } = await import('../stack-state.ts');
        process.exitCode = await restore(file, { root, configure, ...flags });
      }),
  );
  stack.addCommand(
    stateCommand('reset', 'end the stack and remove all it has stored')
      .option('--yes', 'do not ask first')
      .action(async (flags: StateFlags) => {
        const { reset } = await import('../stack-state.ts');
        process.exitCode = await reset({ root, configure, ...flags });
      }),
  );
  return stack;
}

interface StateFlags {
  json?: boolean;
  yes?: boolean;
}

function stateCommand(usage: string, description: string): Command {
  const [name, argument] = usage.split(' ') as [string, string?];
  const command = new Command(name)
    .description(description)
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples(`stack ${name}${argument === undefined ? '' : ' stack.tgz'}`));
  return argument === undefined ? command : command.argument(argument, 'the backup');
}
