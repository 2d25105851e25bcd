import { Command, CommanderError } from 'commander';
import { commandContext } from './client/commands/context.ts';
import { amendCommand } from './client/commands/amend.ts';
import { cancelCommand } from './client/commands/cancel.ts';
import { checkoutCommand } from './client/commands/checkout.ts';
import { diffCommand } from './client/commands/diff.ts';
import { doctorCommand } from './client/commands/doctor.ts';
import { dvcCommand } from './client/commands/dvc.ts';
import { gcCommand } from './client/commands/gc.ts';
import { lineageCommand } from './client/commands/lineage.ts';
import { listCommand } from './client/commands/list.ts';
import { logCommand } from './client/commands/log.ts';
import { metricsCommand } from './client/commands/metrics.ts';
import { nightlyCommand } from './client/commands/nightly.ts';
import { paramsCommand } from './client/commands/params.ts';
import { pendingCommand } from './client/commands/pending.ts';
import { replayCommand } from './client/commands/replay.ts';
import { runCommand, stageCommand } from './client/commands/run.ts';
import { scheduleCommand } from './client/commands/schedule.ts';
import { searchAttributesCommand } from './client/commands/search-attributes.ts';
import { stackCommand } from './client/commands/stack.ts';
import { statusCommand } from './client/commands/status.ts';
import { verifyCommand } from './client/commands/verify.ts';
import { watchCommand } from './client/commands/watch.ts';
import { whyCommand } from './client/commands/why.ts';
import { workerCommand } from './client/commands/worker.ts';
import { projectRoot } from './config.ts';

/**
 * The command line: a file in client/commands/ for each command. What a command does is loaded when it
 * is asked for, so that help and mistakes are answered at once.
 */
const context = commandContext(projectRoot(import.meta.url));

const program = new Command('client').description(
  'Retrains a model batch by batch: a Temporal workflow each, artifacts in S3, runs in MLflow.',
);
for (const command of [
  runCommand(context),
  stageCommand(context),
  watchCommand(context),
  statusCommand(context),
  listCommand(context),
  checkoutCommand(context),
  verifyCommand(context),
  gcCommand(context),
  lineageCommand(context),
  whyCommand(context),
  diffCommand(context),
  metricsCommand(context),
  paramsCommand(context),
  dvcCommand(context),
  amendCommand(context),
  pendingCommand(context),
  nightlyCommand(context),
  scheduleCommand(context),
  cancelCommand(context),
  logCommand(context),
  searchAttributesCommand(context),
  doctorCommand(context),
  replayCommand(context),
  stackCommand(context),
  workerCommand(),
])
  program.addCommand(command);
settle(program);

// A reader that has seen enough, such as head, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  const { exitCodeOf, tell } = await import('./client/failure.ts');
  const { printJson, say } = await import('./client/print.ts');
  const help = error instanceof CommanderError && error.exitCode === 0;
  const told = tell(error);
  process.exitCode = help ? 0 : exitCodeOf(error);
  if (!(error instanceof CommanderError)) say(told.message, 'error'); // commander has said its own
  // Whoever asked for a document gets one, whatever went wrong.
  if (!help && process.argv.includes('--json')) printJson({ status: 'failed', error: told });
}

/** Commander hands these down to commands it makes, not to those it is given. */
function settle(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for an example)');
  for (const inner of command.commands) settle(inner);
}
