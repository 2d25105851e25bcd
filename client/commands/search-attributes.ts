import { Command } from 'commander';
import { examples, type CommandContext } from './context.ts';

export function searchAttributesCommand(context: CommandContext): Command {
  const command = new Command('search-attributes')
    .description('the names by which runs are found in Temporal: RetrainBatch > 10')
    .addHelpText('after', examples('search-attributes register'));
  command
    .command('register')
    .description('register them in the namespace in use; the local stack has them already')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('search-attributes register'))
    .action(async ({ json }: { json?: boolean }) => {
      const { registerNames } = await import('../search-attributes.ts');
      process.exitCode = await registerNames(context.configure(), { json });
    });
  return command;
}
