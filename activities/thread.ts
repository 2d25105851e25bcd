import { RetrainError } from '../errors.ts';
import type { Report } from '../pipeline/progress.ts';
import { tasks, type TaskName } from '../pipeline/tasks.ts';
import type { ThreadAnswer } from './compute.ts';
import { reportTo, type Gauge } from './gauge.ts';

/** Any task, as a thread runs it: not all tell how far they are. */
type AnyTask = (input: never, report: Report) => unknown;

/** Entry of a worker thread: runs one named task. Piscina calls the default export. */
// oxlint-disable-next-line import/no-default-export
export default function runTask({
  name,
  input,
  gauge,
}: {
  name: TaskName;
  input: never;
  gauge: Gauge;
}): ThreadAnswer {
  try {
    return { ok: true, value: (tasks[name] as AnyTask)(input, reportTo(gauge)) };
  } catch (error) {
    if (!(error instanceof RetrainError)) throw error;
    const { message, details } = error;
    return { ok: false, error: { name: error.name, message, details } };
  }
}
