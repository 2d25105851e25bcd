import { Command } from 'commander';
import { print, printJson } from '../print.ts';
import { withSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import { type CommandContext, examples } from '../context.ts';

export function searchAttributesCommand(context: CommandContext): Command {
  const command = new Command('search-attributes').addHelpText(
    'after',
    examples('search-attributes register'),
  );
  command
    .command('register')
    .description('register them in the namespace; the local stack has them already')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('search-attributes register'))
    .action(async ({ json }: { json?: boolean }) => {
      process.exitCode = await registerAttributes(await context.configure(), { json });
    });
  return command;
}

/** `search-attributes register`: adds the search attributes to a cluster other than the local stack. */
export async function registerAttributes(
  config: Config,
  { json }: { json?: boolean | undefined },
): Promise<number> {
  const { registerSearchAttributes } = await import('../../infra/register-search-attributes.ts');
  return withSession(config, ['temporal'], async (session) => {
    const { connection, namespace } = session;
    const added = await registerSearchAttributes(connection, namespace);
    if (json === true) printJson({ namespace, added });
    else
      print(
        added.length === 0
          ? `namespace ${namespace} has them all`
          : `added to namespace ${namespace}: ${added.join(', ')}; workers see them within a minute`,
      );
    return 0;
  });
}
