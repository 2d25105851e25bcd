import { RetrainError } from '../contract/failures.ts';
import type { Crew } from '../pipeline/models/cart/crew.ts';
import type { Files } from '../pipeline/batches/files.ts';
import type { Report } from '../pipeline/progress.ts';
import { tasks, type TaskName } from './tasks.ts';
import type { ThreadAnswer } from './pool.ts';
import { openCrew, trainThreads } from './crew.ts';
import { reportTo, type Gauge } from './gauge.ts';
import { threadFiles } from './thread-files.ts';

/** Any task, as a thread runs it: not all tell how far they are, read files or want help. */
type AnyTask = (input: never, report: Report, tools: { files: Files; crew: Crew }) => unknown;

/** Kept for the next task: its threads start when a task first asks for help. */
const tools = { files: threadFiles, crew: openCrew(trainThreads() - 1) };

/** Entry of a worker thread: runs one named task. Piscina calls the default export. */
// oxlint-disable-next-line import/no-default-export
export default async function runTask({
  name,
  input,
  gauge,
}: {
  name: TaskName;
  input: never;
  gauge: Gauge;
}): Promise<ThreadAnswer> {
  try {
    return { ok: true, value: await (tasks[name] as AnyTask)(input, reportTo(gauge), tools) };
  } catch (error) {
    if (!(error instanceof RetrainError)) throw error;
    const { message, details } = error;
    return { ok: false, error: { name: error.name, message, details } };
  }
}
