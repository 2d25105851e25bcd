/**
 * Processor seconds that something takes in all threads of this process, the engine's compiling and
 * collecting among them: on a machine shared with others, the clock on the wall measures the others too.
 */
export function cpuTime(run: () => unknown): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
