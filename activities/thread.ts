import { RetrainError } from '../errors.ts';
import { tasks, type TaskName } from '../pipeline/tasks.ts';
import type { ThreadAnswer } from './compute.ts';

/** Entry of a worker thread: runs one named task. Piscina calls the default export. */
// oxlint-disable-next-line import/no-default-export
export default function runTask({ name, input }: { name: TaskName; input: never }): ThreadAnswer {
  try {
    return { ok: true, value: tasks[name](input) };
  } catch (error) {
    if (!(error instanceof RetrainError)) throw error;
    const { message, details } = error;
    return { ok: false, error: { name: error.name, message, details } };
  }
}
