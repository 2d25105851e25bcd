const CLOSED = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
]);

/** Whether a workflow execution is open: it runs, or somebody has paused it. */
export function isOpen({ name }: { name: string }): boolean {
  return !CLOSED.has(name);
}
