import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { STAGES, type StageName } from './activities/contract.ts';
import { batchArgument, pipelineArgument, setArgument, stageArgument } from './client/arguments.ts';
import { loadConfig, projectRoot, stackDir } from './config.ts';
import { BadParams } from './errors.ts';
import { useStack } from './infra/stack.ts';

/**
 * The command line. Each command's code is loaded when it is asked for, so that help and mistakes are
 * answered at once.
 */

const root = projectRoot(import.meta.url);

interface CommonOptions {
  pipeline?: string;
  json?: boolean;
}

interface RunFlags extends CommonOptions {
  set?: Record<string, unknown>;
  force?: boolean;
  until?: StageName;
  detach?: boolean;
}

const program = new Command('client')
  .description(
    'Retrains a model batch by batch: a Temporal workflow each, artifacts in S3, runs in MLflow.',
  )
  .showHelpAfterError('(add --help for an example)')
  .exitOverride();

withRunFlags(
  program
    .command('run')
    .description('run a batch: version N is made of batches 1..N')
    .argument('<N>', 'the batch, from 1', batchArgument)
    .option('--until <stage>', `stop after this stage (${STAGES.join(', ')})`, stageArgument)
    .addHelpText(
      'after',
      example('run 2 --set model.max_depth=4', 'run 3 --until preprocess', 'run 2 --json'),
    ),
).action(async (batch: number, flags: RunFlags) => runBatch({ batch, flags }));

withRunFlags(
  program
    .command('stage')
    .description('run one stage; those before it must have been run with the same params')
    .argument('<name>', STAGES.join(', '), stageArgument)
    .argument('[N]', 'the batch, from 1; get_data needs none', batchArgument)
    .addHelpText('after', example('stage get_data', 'stage prepare_batch 2', 'stage evaluate 2')),
).action(async (only: StageName, batch: number | undefined, flags: RunFlags) => {
  if (batch === undefined && only !== 'get_data')
    throw new BadParams(`stage ${only} needs the batch: for one, "stage ${only} 1"`);
  await runBatch({ batch: batch ?? 1, flags, only });
});

withCommonFlags(
  program
    .command('status')
    .description("show a batch's latest run and the version that stands")
    .argument('<N>', 'the batch, from 1', batchArgument)
    .addHelpText('after', example('status 2', 'status 2 --json')),
).action(async (batch: number, { pipeline, json }: CommonOptions) => {
  const { status } = await import('./client/status.ts');
  const config = prepare();
  process.exitCode = await status(config, { pipeline: pipeline ?? config.pipeline, batch, json });
});

withCommonFlags(
  program
    .command('list')
    .description('list the versions with their scores side by side')
    .addHelpText('after', example('list', 'list --pipeline wine --json')),
).action(async ({ pipeline, json }: CommonOptions) => {
  const { list } = await import('./client/list.ts');
  const config = prepare();
  process.exitCode = await list(config, { pipeline: pipeline ?? config.pipeline, json });
});

const stack = program
  .command('stack')
  .description('the local stack: Temporal, S3, MLflow and a worker, with their state in .stack/')
  .addHelpText('after', example('stack up', 'stack status', 'stack down'));
for (const [name, does] of [
  ['up', 'start what is not running, and wait until it answers'],
  ['down', 'stop it; its state stays'],
  ['status', 'show each part'],
] as const)
  stack
    .command(name)
    .description(does)
    .option('--json', 'print JSON')
    .addHelpText('after', example(`stack ${name}`))
    .action(async ({ json }: CommonOptions) => {
      const { stackCommand } = await import('./client/stack.ts');
      process.exitCode = await stackCommand(name, root, { json });
    });

program
  .command('worker')
  .description('run a worker here, until Ctrl-C')
  .addHelpText('after', example('worker'))
  .action(async () => {
    const child = spawn(process.execPath, [...process.execArgv, workerProgram()], {
      stdio: 'inherit',
    });
    // Ctrl-C reaches the whole group: the worker drains, and we end when it has.
    process.on('SIGINT', () => undefined).on('SIGTERM', () => child.kill('SIGTERM'));
    process.exitCode = await new Promise<number>((resolve) => {
      child.once('exit', (code) => resolve(code ?? 1));
    });
  });

/** worker.ts beside this file, or worker.js when built. */
function workerProgram(): string {
  return fileURLToPath(import.meta.url.replace(/client(\.\w+)$/, 'worker$1'));
}

async function runBatch({
  batch,
  flags,
  only,
}: {
  batch: number;
  flags: RunFlags;
  only?: StageName;
}): Promise<void> {
  const { run, reportFailure } = await import('./client/run.ts');
  const { exitCodeOf } = await import('./client/failure.ts');
  let pipeline = flags.pipeline ?? '';
  const request = { batch, only, set: flags.set ?? {}, ...flags };
  try {
    const config = prepare();
    pipeline ||= config.pipeline;
    process.exitCode = await run(config, { ...request, pipeline });
  } catch (error) {
    reportFailure(error, { ...request, pipeline });
    process.exitCode = exitCodeOf(error);
  }
}

/** Reads the configuration, with the local stack's credentials where the environment has none. */
function prepare(): ReturnType<typeof loadConfig> {
  useStack(stackDir(root));
  return loadConfig(root);
}

function withCommonFlags(command: Command): Command {
  return command
    .option('--pipeline <name>', 'the pipeline, if not that of params.yaml', pipelineArgument)
    .option('--json', 'print exactly one JSON document on stdout');
}

function withRunFlags(command: Command): Command {
  return withCommonFlags(command)
    .option('--set <key=value>', 'override a param for this run; repeatable', setArgument)
    .option('--force', 'run every stage anew, whatever the cache holds')
    .option('--detach', 'start it and come back at once');
}

function example(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  npm run client -- ${line}`).join('\n')}`;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { exitCodeOf, tell } = await import('./client/failure.ts');
    const { say } = await import('./client/print.ts');
    say(tell(error).message, 'error');
    process.exitCode = exitCodeOf(error);
  }
}
