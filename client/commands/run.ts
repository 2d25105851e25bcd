import type { Command } from 'commander';
import { parseBatch, parseStage, withSet } from '../arguments.ts';
import { print, printJson, say } from '../print.ts';
import { readRunParams, withSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import type { Request, Started } from '../start.ts';
import { BadParams } from '../../contract/failures.ts';
import {
  findEntry,
  LAST_STAGE,
  STAGE_NAMES,
  stagesUntil,
  type StageName,
} from '../../contract/stages.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { RETRAIN } from '../../contract/command.ts';

interface RunFlags extends CommonFlags {
  set?: Record<string, unknown>;
  force?: boolean;
  publish?: boolean;
  until?: StageName;
  detach?: boolean;
  withMissing?: boolean;
  refresh?: boolean;
}

export function runCommand(context: CommandContext): Command {
  return withRunFlags(pipelineCommand('run'), 'run every stage, even if it is cached')
    .argument('<N>', 'the batch, from 1', parseBatch)
    .option('--until <stage>', `stop after this stage (${STAGE_NAMES.join(', ')})`, parseStage)
    .option('--publish', 'publish the version, even if --set makes the run a trial')
    .option('--with-missing', 'first build the earlier versions that are missing')
    .addHelpText(
      'after',
      examples(
        'run 2 --set model.max_depth=4',
        'run 2 --set model.max_depth=4 --publish',
        'run 5 --with-missing',
        'run 3 --refresh',
        'run 2 --json',
      ),
    )
    .action(async (batch: number, flags: RunFlags) => runBatch(context, batch, flags));
}

export function stageCommand(context: CommandContext): Command {
  return withRunFlags(pipelineCommand('stage'), 'run the stage, even if it is cached')
    .argument('<name>', STAGE_NAMES.join(', '), parseStage)
    .argument('[N]', 'the batch, from 1; get_data needs none', parseBatch)
    .addHelpText('after', examples('stage get_data', 'stage prepare_batch 2', 'stage evaluate 2'))
    .action(async (only: StageName, batch: number | undefined, flags: RunFlags) => {
      if (batch === undefined && only !== 'get_data')
        throw new BadParams(
          `stage ${only} needs the batch: for example "${RETRAIN} stage ${only} 1"`,
        );
      await runBatch(context, batch ?? 1, flags, only);
    });
}

async function runBatch(
  context: CommandContext,
  batch: number,
  flags: RunFlags,
  only?: StageName,
): Promise<void> {
  let pipeline = flags.pipeline ?? null;
  const request = { batch, only, set: flags.set ?? {}, ...flags };
  try {
    const config = await context.configure(flags.pipeline, flags.set);
    pipeline = config.pipeline;
    process.exitCode = await run(config, { ...request, pipeline: config.pipeline });
  } catch (error) {
    const { chooseExitCode } = await import('../failure.ts');
    const { reportFailure } = await import('../watcher.ts');
    await reportFailure(error, { ...request, pipeline });
    process.exitCode = await chooseExitCode(error);
  }
}

function withRunFlags(command: Command, forced: string): Command {
  return withSet(command, 'override a param for this run; repeatable')
    .option('--force', forced)
    .option('--refresh', 'look for new rows at the source')
    .option('--detach', 'start the run and return at once');
}

export interface RunOptions extends Request {
  detach?: boolean | undefined;
  json?: boolean | undefined;
}

/** `run` and `stage`: starts a run or joins it, shows it until it ends, and prints the result. */
export async function run(config: Config, options: RunOptions): Promise<number> {
  const { checkRun } = await import('../check-run.ts');
  const { sendAgain, start } = await import('../start.ts');
  const { describeWatch, watchToEnd } = await import('../watcher.ts');
  const last: StageName = options.only ?? options.until ?? LAST_STAGE;
  const tracked = stagesUntil(last).some((stage) => findEntry(stage)?.tracked === true);
  const check = ['temporal', 'storage', ...(tracked ? ['tracking' as const] : [])] as const;
  return withSession(config, check, async (session) => {
    const { params, ledger } = await readRunParams(session, options.set);
    await checkRun(config, options, params, ledger);
    const started = await start(session, options, params);
    if (started.joined) say(`${started.workflowId} is already running: following it`);
    if (options.detach === true) {
      printDetached(started, options);
      say(describeWatch(options));
      return 0;
    }
    const again = (error: unknown): Promise<Started | undefined> =>
      sendAgain(session, started, options, error);
    return await watchToEnd(session, started, last, { ...options, again });
  });
}

function printDetached({ workflowId, runId, joined }: Started, { json }: RunOptions): void {
  if (json === true) printJson({ status: 'running', workflowId, runId, joined });
  else print(`${workflowId} ${runId}`);
}
