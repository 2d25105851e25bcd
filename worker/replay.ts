import type { HistoryAndWorkflowId } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { messageOf } from '../contract/failures.ts';
import { parseHistoryProblem } from './history-problem.ts';
import type { WorkflowSource } from './workers.ts';

/** The result for one history. */
export interface Replayed {
  workflowId: string;
  runId: string;
  /** Why this code cannot continue from the history; undefined when it can. */
  problem: string | undefined;
}

/** Replays recorded histories with the present workflow code, which must give the same commands as then. */
export async function* replay(
  workflows: WorkflowSource,
  histories: AsyncIterable<HistoryAndWorkflowId> | Iterable<HistoryAndWorkflowId>,
): AsyncGenerator<Replayed> {
  for await (const { workflowId, runId, error } of Worker.runReplayHistories(
    { ...workflows, replayName: 'replay' },
    histories,
  ))
    yield { workflowId, runId, problem: error === undefined ? undefined : describeProblem(error) };
}

/** Turns the SDK's error into a sentence. */
export function describeProblem(error: Error): string {
  const { kind, point } = parseHistoryProblem(messageOf(error));
  if (kind === 'unknown')
    return `this code has no workflow ${point}: keep it until no run of it is open`;
  if (kind === 'old' || error instanceof DeterminismViolationError)
    return `this history is too old for this code (${point}): keep a worker of the build that started it, or guard the change with patched()`;
  return `this history cannot be replayed (${point})`;
}
