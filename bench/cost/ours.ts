import type { ResultDocument } from '../../client/result.ts';
import type { Project } from '../../test/support/project.ts';
import type { Task } from '../baseline/sides.ts';

/** Milliseconds of the stages whose time may grow with the number of batches. */
export interface StageTimes {
  mergeMs: number;
  preprocessMs: number;
}

/** The command-line flags of a task. */
export function flagsOf({ name, source, target, batchSize, maxDepth }: Task): string[] {
  const params = {
    'data.source': source,
    'data.target': target,
    'data.batch_size': batchSize,
    'model.max_depth': maxDepth,
  };
  const set = Object.entries(params).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  return ['--pipeline', name, ...set];
}

/** Builds a version with our command. */
export async function ourVersion(
  project: Project,
  task: Task,
  version: number,
  ...flags: string[]
): Promise<StageTimes> {
  const args = ['run', String(version), '--publish', '--json', ...flagsOf(task), ...flags];
  const { code, stdout, stderr } = await project.client(...args);
  if (code !== 0) throw new Error(`${args.join(' ')} failed:\n${stderr}${stdout}`);
  const { stages } = JSON.parse(stdout) as ResultDocument;
  const took = (name: string): number => stages.find(({ stage }) => stage === name)!.durationMs;
  return { mergeMs: took('merge_data'), preprocessMs: took('preprocess') };
}
