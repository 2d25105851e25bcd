/**
 * A history, as JSON text, without what says where it was recorded: names of machines and processes, and
 * the stacks of failures with their paths. None of it steers a workflow.
 */
export function scrub(history: string): string {
  const value: unknown = JSON.parse(history, (key, inner: unknown) => {
    if (key === 'identity') return 'recorded';
    if (key === 'stackTrace') return undefined;
    return inner;
  });
  return `${JSON.stringify(value, null, 1)}\n`;
}
