import { Argument, Command } from 'commander';
import { parseCount } from '../../arguments.ts';
import type { PartName } from '../../../infra/report.ts';
import { examples, EXIT, type CommandContext } from '../../context.ts';
import { formatTable } from '../../format.ts';
import { print, printJson } from '../../print.ts';
import { BadParams } from '../../../contract/failures.ts';
import { stackDir } from '../../../config/project-root.ts';
import { isDirectoryUri } from '../../../tracking/place.ts';

const PARTS = [
  ['up', 'start every part that is not running, and wait until it answers'],
  ['down', 'stop every part; the state stays'],
  ['status', 'show the state of every part'],
] as const;

export function stackCommand({ root, configure }: CommandContext): Command {
  const command = new Command('stack')
    .description(
      'The local stack: Temporal, S3, MLflow and a worker. It keeps its state in .stack/.',
    )
    .addHelpText('after', examples('stack up', 'stack status', 'stack down'));
  for (const [name, description] of PARTS) {
    const part = command
      .command(name)
      .description(description)
      .option('--json', 'print exactly one JSON document on stdout')
      .addHelpText('after', examples(`stack ${name}`))
      .action(async (flags: StackFlags) => {
        process.exitCode = await stack(name, root, flags);
      });
    if (name === 'up')
      part.option('--soon', 'return as soon as a run can begin: MLflow may still be starting');
  }
  command
    .command('restart')
    .description('stop one part and start it again; the others keep running')
    .addArgument(partArgument('<part>'))
    .addHelpText('after', examples('stack restart worker'))
    .action(async (part: PartName) => {
      process.exitCode = await stack('up', root, { restart: part });
    });
  command
    .command('logs')
    .description('print the end of the log of one part, or of all parts')
    .addArgument(partArgument('[part]'))
    .option('-f, --follow', 'print new lines until Ctrl-C')
    .option('-n, --lines <count>', 'lines from its end', parseCount, 50)
    .option('--raw', 'print the lines unchanged: the worker writes JSON')
    .addHelpText(
      'after',
      examples('stack logs worker', 'stack logs --follow', 'stack logs worker --raw | jq .msg'),
    )
    .action(async (part: PartName | undefined, flags: LogFlags) => {
      const { printLogs } = await import('./logs.ts');
      const { follow = false, lines, raw = false } = flags;
      const parts = part === undefined ? PART_NAMES : [part];
      await printLogs(stackDir(root), parts, { follow, lines, raw });
    });
  command.addCommand(
    stateCommand(
      'backup <file>',
      'write the whole state of the running stack into one file',
    ).action(async (file: string, flags: StateFlags) => {
      const { backup } = await import('./state.ts');
      process.exitCode = await backup(file, { root, configure, ...flags });
    }),
  );
  command.addCommand(
    stateCommand('restore <file>', 'replace the state of a stopped stack by a backup')
      .option('--yes', 'do not ask before data is replaced')
      .action(async (file: string, flags: StateFlags) => {
        const { restore } = await import('./state.ts');
        process.exitCode = await restore(file, { root, configure, ...flags });
      }),
  );
  command.addCommand(
    stateCommand('reset', 'stop the stack and remove everything it has stored')
      .option('--yes', 'do not ask first')
      .action(async (flags: StateFlags) => {
        const { reset } = await import('./state.ts');
        process.exitCode = await reset({ root, configure, ...flags });
      }),
  );
  return command;
}

interface StackFlags {
  json?: boolean | undefined;
  /** Do not wait for MLflow. */
  soon?: boolean | undefined;
  /** Restart this part alone. */
  restart?: PartName | undefined;
}

interface LogFlags {
  follow?: boolean;
  raw?: boolean;
  lines: number;
}

const PART_NAMES: PartName[] = ['temporal', 's3', 'mlflow', 'worker'];

function partArgument(usage: '<part>' | '[part]'): Argument {
  return new Argument(usage, 'the part of the stack').choices(PART_NAMES);
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

/** `stack up`, `stack down`, `stack status`, `stack restart`: the local stack in `.stack/` of the project. */
export async function stack(
  name: 'up' | 'down' | 'status',
  root: string,
  { json, soon = false, restart }: StackFlags,
): Promise<number> {
  const { stackDown, stackStatus, stackUp } = await import('../../../infra/stack.ts');
  const { openStackProgress } = await import('./progress.ts');
  const dir = stackDir(root);
  const { report, stop } = openStackProgress();
  const options = { dir, root, report };
  try {
    const asked = { soon, ...(restart === undefined ? {} : { restart }) };
    if (name === 'up') await stackUp({ ...options, ...(await readTracking(root)), ...asked });
    if (name === 'down') await stackDown(options);
  } finally {
    stop();
  }
  if (name !== 'status' && json !== true) return 0;
  const parts = await stackStatus(options);
  if (json === true) printJson({ parts });
  else
    print(
      formatTable(
        ['part', 'state', 'pid', 'address'],
        parts.map(({ part, state, pid, url }) => [part, state, pid ?? '', url]),
      ),
    );
  return name === 'status' && parts.some(({ state }) => state !== 'running' && state !== 'unused')
    ? EXIT.setup
    : 0;
}

/**
 * The tracking settings of the stack: whether a pipeline uses its MLflow, or may once its section is corrected, and
 * the MLFLOW_TRACKING_URI that the worker inherits from this terminal.
 */
async function readTracking(
  root: string,
): Promise<{ mlflow: boolean; workerEnv: Record<string, string> }> {
  const { loadConfigs } = await import('../../../config/environment.ts');
  const config = loadConfigs(root);
  const names = config().pipelines ?? [undefined];
  const named = process.env['MLFLOW_TRACKING_URI'];
  const usesServer = (name?: string): boolean => {
    try {
      return !isDirectoryUri(config(name).tracking.uri);
    } catch (error) {
      if (error instanceof BadParams) return true;
      throw error;
    }
  };
  return {
    mlflow: names.some(usesServer),
    workerEnv: named === undefined ? {} : { MLFLOW_TRACKING_URI: named },
  };
}
