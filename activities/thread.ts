import { RetrainError } from '../errors.ts';
import type { Crew } from '../pipeline/cart/crew.ts';
import type { Report } from '../pipeline/progress.ts';
import { tasks, type TaskName } from '../pipeline/tasks.ts';
import type { ThreadAnswer } from './compute.ts';
import { openCrew, trainThreads } from './crew.ts';
import { reportTo, type Gauge } from './gauge.ts';

/** Any task, as a thread runs it: not all tell how far they are. */
type AnyTask = (input: never, report: Report, crew: Crew) => unknown;

/** Kept for the next task: its threads start when a task first asks for help. */
const crew = openCrew(trainThreads() - 1);

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
    return { ok: true, value: await (tasks[name] as AnyTask)(input, reportTo(gauge), crew) };
  } catch (error) {
    if (!(error instanceof RetrainError)) throw error;
    const { message, details } = error;
    return { ok: false, error: { name: error.name, message, details } };
  }
}
