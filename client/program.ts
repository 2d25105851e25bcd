import { Command } from 'commander';
import type { CommandContext } from './commands/context.ts';
import { amendCommand } from './commands/amend.ts';
import { cancelCommand } from './commands/cancel.ts';
import { checkoutCommand } from './commands/checkout.ts';
import { diffCommand } from './commands/diff/diff.ts';
import { doctorCommand } from './commands/doctor/doctor.ts';
import { dvcCommand } from './commands/dvc.ts';
import { gcCommand } from './commands/gc.ts';
import { lineageCommand } from './commands/lineage.ts';
import { listCommand } from './commands/list.ts';
import { logCommand } from './commands/log.ts';
import { metricsCommand } from './commands/metrics.ts';
import { nightlyCommand } from './commands/nightly.ts';
import { paramsCommand } from './commands/params.ts';
import { pendingCommand } from './commands/pending/pending.ts';
import { replayCommand } from './commands/replay.ts';
import { runCommand, stageCommand } from './commands/run.ts';
import { scheduleCommand } from './commands/schedule/schedule.ts';
import { searchAttributesCommand } from './commands/search-attributes.ts';
import { stackCommand } from './commands/stack/stack.ts';
import { statusCommand } from './commands/status/status.ts';
import { verifyCommand } from './commands/verify.ts';
import { watchCommand } from './commands/watch.ts';
import { whyCommand } from './commands/why.ts';
import { workerCommand } from './commands/worker.ts';

/** The command line with all its commands; one that is wrong throws instead of ending the process. */
export function openProgram(context: CommandContext): Command {
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
  return program;
}

/** Commander hands these down to commands it makes, not to those it is given. */
function settle(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for an example)');
  for (const inner of command.commands) settle(inner);
}
