import { Command } from 'commander';
import { examples, type CommandContext } from './context.ts';

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description('check every part a run needs, and say how to mend what is wrong')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(async ({ json }: { json?: boolean }) => {
      const { doctor } = await import('../doctor.ts');
      process.exitCode = await doctor(context.configure(), { root: context.root, json });
    });
}
