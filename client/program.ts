import { Command } from 'commander';
import packageFile from '../package.json' with { type: 'json' };
import { RETRAIN } from '../contract/command.ts';
import { examples, type CommandContext } from './context.ts';
import { renderText } from './print.ts';

/** A command as the help lists it. Its code is loaded only when the command line names it. */
interface ListedCommand {
  name: string;
  summary: string;
  load: () => Promise<(context: CommandContext) => Command>;
}

const COMPLETE = 'complete';

/** Every command, in the groups and the order of the help. */
const GROUPS: Record<string, ListedCommand[]> = {
  'Run a batch:': [
    {
      name: 'run',
      summary: 'run a batch: version N is trained on batches 1..N',
      load: async () => (await import('./commands/run.ts')).runCommand,
    },
    {
      name: 'stage',
      summary: 'run one stage alone; the stages before it must have run',
      load: async () => (await import('./commands/run.ts')).stageCommand,
    },
    {
      name: 'pending',
      summary: 'list the pending batches, which have data but no published version',
      load: async () => (await import('./commands/pending/pending.ts')).pendingCommand,
    },
    {
      name: 'nightly',
      summary: 'run the pending batches in order',
      load: async () => (await import('./commands/nightly.ts')).nightlyCommand,
    },
    {
      name: 'watch',
      summary: 'follow the run of a batch live',
      load: async () => (await import('./commands/watch.ts')).watchCommand,
    },
    {
      name: 'status',
      summary: 'show the latest run of a batch, and its published build',
      load: async () => (await import('./commands/status/status.ts')).statusCommand,
    },
    {
      name: 'cancel',
      summary: 'stop the run of a batch; finished stages stay stored',
      load: async () => (await import('./commands/cancel.ts')).cancelCommand,
    },
  ],
  'Compare versions:': [
    {
      name: 'list',
      summary: 'list the versions with their scores',
      load: async () => (await import('./commands/list.ts')).listCommand,
    },
    {
      name: 'trials',
      summary: 'list the trials: builds with other params, which are not published',
      load: async () => (await import('./commands/trials.ts')).trialsCommand,
    },
    {
      name: 'diff',
      summary: 'show how two versions differ, from rows to artifacts',
      load: async () => (await import('./commands/diff/diff.ts')).diffCommand,
    },
    {
      name: 'metrics',
      summary: 'show the metrics that differ, as DVC shows them',
      load: async () => (await import('./commands/diff/metrics-params.ts')).metricsCommand,
    },
    {
      name: 'params',
      summary: 'show the params that differ, as DVC shows them',
      load: async () => (await import('./commands/diff/metrics-params.ts')).paramsCommand,
    },
    {
      name: 'why',
      summary: 'show which stages a run would take from the cache',
      load: async () => (await import('./commands/why/why.ts')).whyCommand,
    },
    {
      name: 'lineage',
      summary: 'show what a version was made from, raw data to metrics',
      load: async () => (await import('./commands/lineage/lineage.ts')).lineageCommand,
    },
  ],
  'Use a version:': [
    {
      name: 'predict',
      summary: 'predict the target of raw rows with a stored model',
      load: async () => (await import('./commands/predict/predict.ts')).predictCommand,
    },
    {
      name: 'serve',
      summary: 'predict over HTTP with a stored model',
      load: async () => (await import('./commands/serve/serve.ts')).serveCommand,
    },
    {
      name: 'export',
      summary: 'write a stored model as an ONNX file',
      load: async () => (await import('./commands/export.ts')).exportCommand,
    },
    {
      name: 'report',
      summary: 'write a report on a version as one HTML page',
      load: async () => (await import('./commands/report/report.ts')).reportCommand,
    },
    {
      name: 'checkout',
      summary: 'write data, model and metrics of a version as files',
      load: async () => (await import('./commands/checkout/checkout.ts')).checkoutCommand,
    },
    {
      name: 'dvc',
      summary: 'export a version as a DVC repository',
      load: async () => (await import('./commands/dvc/dvc.ts')).dvcCommand,
    },
    {
      name: 'publish',
      summary: 'make a trial, or an earlier build, the published build of version N',
      load: async () => (await import('./commands/publish.ts')).publishCommand,
    },
    {
      name: 'log',
      summary: 'log a version to the tracking server in use now',
      load: async () => (await import('./commands/log.ts')).logCommand,
    },
  ],
  'Operate a pipeline:': [
    {
      name: 'champion',
      summary: 'show which version is in production, since when and why',
      load: async () => (await import('./commands/champion/champion.ts')).championCommand,
    },
    {
      name: 'approve',
      summary: 'approve the waiting version, so that it becomes the champion',
      load: async () => (await import('./commands/decide/decide.ts')).approveCommand,
    },
    {
      name: 'reject',
      summary: 'reject the waiting version, so that the champion stays',
      load: async () => (await import('./commands/decide/decide.ts')).rejectCommand,
    },
    {
      name: 'promote',
      summary: 'make a version the champion although the gate held it',
      load: async () => (await import('./commands/decide/decide.ts')).promoteCommand,
    },
    {
      name: 'rollback',
      summary: 'make an earlier champion the champion again',
      load: async () => (await import('./commands/decide/decide.ts')).rollbackCommand,
    },
    {
      name: 'pipelines',
      summary: 'list the pipelines of params.yaml and of the bucket',
      load: async () => (await import('./commands/pipelines.ts')).pipelinesCommand,
    },
    {
      name: 'schedule',
      summary: 'start nightlies with a Temporal Schedule',
      load: async () => (await import('./commands/schedule/schedule.ts')).scheduleCommand,
    },
    {
      name: 'amend',
      summary: 'replace the rows of a batch; the old rows stay stored',
      load: async () => (await import('./commands/amend/amend.ts')).amendCommand,
    },
    {
      name: 'verify',
      summary: 'check that no object of a version is missing or damaged',
      load: async () => (await import('./commands/verify/verify.ts')).verifyCommand,
    },
    {
      name: 'gc',
      summary: 'remove objects that nothing in any pipeline needs',
      load: async () => (await import('./commands/gc.ts')).gcCommand,
    },
    {
      name: 'replay',
      summary: 'check that recorded histories replay on this code',
      load: async () => (await import('./commands/replay.ts')).replayCommand,
    },
  ],
  'Set up:': [
    {
      name: 'init',
      summary: 'inspect a file, and add a pipeline for it to params.yaml',
      load: async () => (await import('./commands/init/init.ts')).initCommand,
    },
    {
      name: 'stack',
      summary: 'start, stop or back up the local stack',
      load: async () => (await import('./commands/stack/stack.ts')).stackCommand,
    },
    {
      name: 'worker',
      summary: 'run a worker in this terminal, until Ctrl-C',
      load: async () => (await import('./commands/worker.ts')).workerCommand,
    },
    {
      name: 'doctor',
      summary: 'check every part that a run needs, and say how to repair it',
      load: async () => (await import('./commands/doctor/doctor.ts')).doctorCommand,
    },
    {
      name: 'search-attributes',
      summary: 'register the search attributes of runs in Temporal',
      load: async () => (await import('./commands/search-attributes.ts')).searchAttributesCommand,
    },
    {
      name: COMPLETE,
      summary: 'print a script that completes commands in your shell',
      load: async () => (await import('./commands/complete.ts')).completeCommand,
    },
  ],
};

/**
 * The command line. Only the command that `words` name is loaded; the others are listed for the help.
 * A wrong command line throws a CommanderError.
 * @param words what was typed, without the name of the program
 */
export async function openProgram(
  context: CommandContext,
  words: readonly string[],
): Promise<Command> {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  const named = first === 'help' ? second : first;
  // A shell asks `complete -- WORDS` for the words that may follow, and every command may be among them.
  const isAsked = words[0] === COMPLETE && words[1] === '--';
  const program = new Command('retrain')
    .description(
      'Retrains a model batch by batch: one Temporal workflow per batch, artifacts in S3, runs in MLflow.',
    )
    .version(packageFile.version, '--version', 'print the version')
    .enablePositionalOptions() // so that --version after a command does not answer instead of it
    .commandsGroup('Set up:') // of the help command, which has no other
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', examples('run 1', 'list', 'diff 1 2'));
  for (const [group, commands] of Object.entries(GROUPS))
    for (const { name, summary, load } of commands) {
      if (isAsked && name === COMPLETE) continue;
      const command = isAsked || name === named ? (await load())(context) : new Command(name);
      if (command.description() === '') command.description(summary);
      program.addCommand(command.summary(summary).helpGroup(group));
    }
  throwErrors(program);
  if (isAsked) (await import('./commands/complete.ts')).addCompletion(program);
  return program;
}

/** Commander passes these settings on to the commands it creates, but not to those it is given. */
function throwErrors(command: Command, path = RETRAIN): void {
  command
    .exitOverride()
    .showHelpAfterError(`(examples: ${path} --help)`)
    .configureOutput({ outputError: (text, write) => write(renderText(text)) });
  for (const inner of command.commands) throwErrors(inner, `${path} ${inner.name()}`);
}
