import type { Command } from 'commander';
import { STAGE_NAMES, type StageName } from '../../contract/stages.ts';
import { BadParams } from '../../contract/failures.ts';
import { batchArgument, setArgument, stageArgument } from '../arguments.ts';
import { examples, pipelineCommand, type CommandContext, type CommonFlags } from './context.ts';

interface RunFlags extends CommonFlags {
  set?: Record<string, unknown>;
  force?: boolean;
  until?: StageName;
  detach?: boolean;
  withMissing?: boolean;
  refresh?: boolean;
}

export function runCommand(context: CommandContext): Command {
  return withRunFlags(pipelineCommand('run', 'run a batch: version N is made of batches 1..N'))
    .argument('<N>', 'the batch, from 1', batchArgument)
    .option('--until <stage>', `stop after this stage (${STAGE_NAMES.join(', ')})`, stageArgument)
    .option('--with-missing', 'build the versions before it that have no record first')
    .addHelpText(
      'after',
      examples(
        'run 2 --set model.max_depth=4',
        'run 5 --with-missing',
        'run 3 --refresh',
        'run 2 --json',
      ),
    )
    .action(async (batch: number, flags: RunFlags) => runBatch(context, batch, flags));
}

export function stageCommand(context: CommandContext): Command {
  const description = 'run one stage; those before it must have been run with the same params';
  return withRunFlags(pipelineCommand('stage', description))
    .argument('<name>', STAGE_NAMES.join(', '), stageArgument)
    .argument('[N]', 'the batch, from 1; get_data needs none', batchArgument)
    .addHelpText('after', examples('stage get_data', 'stage prepare_batch 2', 'stage evaluate 2'))
    .action(async (only: StageName, batch: number | undefined, flags: RunFlags) => {
      if (batch === undefined && only !== 'get_data')
        throw new BadParams(`stage ${only} needs the batch: for one, "stage ${only} 1"`);
      await runBatch(context, batch ?? 1, flags, only);
    });
}

async function runBatch(
  context: CommandContext,
  batch: number,
  flags: RunFlags,
  only?: StageName,
): Promise<void> {
  const { run, reportFailure } = await import('../run.ts');
  const { exitCodeOf } = await import('../failure.ts');
  let pipeline = flags.pipeline ?? '';
  const request = { batch, only, set: flags.set ?? {}, ...flags };
  try {
    const config = context.configure(flags.pipeline);
    pipeline = config.pipeline;
    process.exitCode = await run(config, { ...request, pipeline });
  } catch (error) {
    reportFailure(error, { ...request, pipeline });
    process.exitCode = exitCodeOf(error);
  }
}

function withRunFlags(command: Command): Command {
  return command
    .option('--set <key=value>', 'override a param for this run; repeatable', setArgument)
    .option('--force', 'run every stage anew, whatever the cache holds')
    .option('--refresh', 'look at the source for rows that are new, whatever is known of it')
    .option('--detach', 'start it and come back at once');
}
