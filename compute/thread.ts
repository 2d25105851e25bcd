import { RetrainError } from '../contract/failures.ts';
import type { Files } from '../pipeline/batches/files.ts';
import type { Helpers } from '../pipeline/models/cart/together.ts';
import type { Report } from '../pipeline/progress.ts';
import { openHelpers, trainThreads } from './helpers.ts';
import { localFiles } from './local-files.ts';
import type { ThreadAnswer } from './pool.ts';
import { reportTo, type SharedProgress } from './progress.ts';
import { tasks, type TaskName } from './tasks.ts';

/** Any task, as a thread runs it: not all report progress, read files or use helpers. */
type AnyTask = (input: never, report: Report, tools: { files: Files; helpers: Helpers }) => unknown;

/** Kept for the next task. The helper threads start when a task first asks for help. */
const tools = { files: localFiles, helpers: openHelpers(trainThreads() - 1) };

/** Entry of a worker thread: runs one named task. Piscina calls the default export. */
// oxlint-disable-next-line import/no-default-export
export default async function runTask({
  name,
  input,
  progress,
}: {
  name: TaskName;
  input: never;
  progress: SharedProgress;
}): Promise<ThreadAnswer> {
  try {
    return { ok: true, value: await (tasks[name] as AnyTask)(input, reportTo(progress), tools) };
  } catch (error) {
    if (!(error instanceof RetrainError)) throw error;
    const { message, details } = error;
    return { ok: false, error: { name: error.name, message, details } };
  }
}
