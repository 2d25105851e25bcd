/**
 * A history, as JSON text, without what says where it was recorded: names of machines and processes, and
 * the stacks of failures with their paths. None of it steers a workflow. One event a line, for small diffs.
 */
export function scrub(history: string): string {
  const { events } = JSON.parse(history, (key, inner: unknown) => {
    if (key === 'identity') return 'recorded';
    if (key === 'stackTrace') return undefined;
    if (key === 'name' && typeof inner === 'string' && /^\d+@/.test(inner)) return 'sticky'; // a process's own queue
    return inner;
  }) as { events: object[] };
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}
