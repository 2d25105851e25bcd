import type { HistoryAndWorkflowId, WorkflowExecutionInfo } from '@temporalio/client';
import { Command } from 'commander';
import { parseCount } from '../arguments.ts';
import { EXIT, examples, type CommandContext } from '../context.ts';
import { formatTable } from '../format.ts';
import { print, printJson, say } from '../print.ts';
import { type Session, withSession } from '../session.ts';
import type { Config } from '../../config/environment.ts';
import { BadParams } from '../../contract/failures.ts';
import type { Replayed } from '../../worker/replay.ts';

export function replayCommand(context: CommandContext): Command {
  return new Command('replay')
    .description(
      'replay open and recent histories with the workflow code of this folder, before you deploy it',
    )
    .option('--limit <n>', 'maximum number of histories, the open ones first', parseCount, 100)
    .option('--query <filter>', 'a list filter of Temporal (default: every run on the task queue)')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('replay', `replay --query "WorkflowType = 'trainBatch'"`))
    .action(async (flags: { limit: number; query?: string; json?: boolean }) => {
      process.exitCode = await replayHistories(await context.configure(), flags);
    });
}

export interface ReplayOptions {
  /** The number of histories at most: the open ones first, then the latest. */
  limit: number;
  /** A list filter of Temporal; otherwise every run on our task queue. */
  query?: string | undefined;
  json?: boolean | undefined;
}

const GRPC_INVALID_ARGUMENT = 3;

type ReplayedRun = Replayed & { type: string; status: string };

/** `replay`: replays the open and the recent histories of the namespace on the workflow code here. */
export async function replayHistories(config: Config, options: ReplayOptions): Promise<number> {
  const { DefaultLogger, Runtime } = await import('@temporalio/worker');
  const { replay } = await import('../../worker/replay.ts');
  const { workflowSource } = await import('../../worker/workers.ts');
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  return withSession(config, ['temporal'], async (session) => {
    const runs = await listRuns(session, options).catch((error: unknown) =>
      throwQueryError(error, options.query),
    );
    const replayed: ReplayedRun[] = [];
    for await (const result of replay(
      workflowSource({ production: false }),
      historiesOf(session, runs),
    )) {
      const { type, status } = runs.get(result.runId)!;
      replayed.push({ ...result, type, status: status.name.toLowerCase() });
    }
    if (options.json === true) printJson({ replayed });
    else printReplayed(replayed);
    return replayed.every(({ problem }) => problem === undefined) ? 0 : EXIT.failed;
  });
}

/** @throws BadParams where the server refuses the filter of `--query`; any other error as it is */
export async function throwQueryError(error: unknown, query: string | undefined): Promise<never> {
  const { isGrpcServiceError } = await import('@temporalio/client');
  const cause = error instanceof Error ? error.cause : undefined;
  const isRefused = isGrpcServiceError(cause) && (cause.code as number) === GRPC_INVALID_ARGUMENT;
  if (query === undefined || !isRefused) throw error;
  throw new BadParams(
    `--query ${query}: Temporal refused this filter (${cause.details}): correct it, as in --query "WorkflowType = 'trainBatch'"`,
    { cause: error },
  );
}

/** The runs by run id, the open ones first, because a deployment can block only those. */
async function listRuns(
  { client, config }: Session,
  { limit, query }: ReplayOptions,
): Promise<Map<string, WorkflowExecutionInfo>> {
  const runs = new Map<string, WorkflowExecutionInfo>();
  const scope = query ?? `TaskQueue = '${config.taskQueue}'`;
  for (const filter of [`(${scope}) AND ExecutionStatus = 'Running'`, scope])
    for await (const run of client.workflow.list({ query: filter })) {
      if (runs.size >= limit) break;
      runs.set(run.runId, run);
    }
  return runs;
}

async function* historiesOf(
  { client }: Session,
  runs: Map<string, WorkflowExecutionInfo>,
): AsyncGenerator<HistoryAndWorkflowId> {
  for (const { workflowId, runId } of runs.values())
    yield {
      workflowId,
      history: await client.workflow.getHandle(workflowId, runId).fetchHistory(),
    };
}

function printReplayed(replayed: readonly ReplayedRun[]): void {
  if (replayed.length === 0) {
    say('there is no history to replay: a deploy blocks no run');
    return;
  }
  const rows = replayed.map(({ workflowId, runId, type, status, problem }) => [
    workflowId,
    runId.slice(0, 8),
    type,
    status,
    problem === undefined ? 'replays' : 'does not',
  ]);
  print(formatTable(['workflow', 'run', 'type', 'status', 'here'], rows));
  const bad = replayed.filter(({ problem }) => problem !== undefined);
  for (const { workflowId, problem } of bad) say(`${workflowId}: ${problem}`, 'error');
  say(
    bad.length === 0
      ? `all ${replayed.length} histories replay on this code`
      : `${bad.length} of ${replayed.length} histories do not replay on this code: deploying it would block those that are running`,
  );
}
