/** Seconds: of the processor in all threads, and on the clock. */
export interface Took {
  readonly cpu: number;
  readonly wall: number;
}

/**
 * What something takes. Processor time counts all threads of this process, the engine's compiling and
 * collecting among them: on a machine shared with others, the clock on the wall measures the others too.
 */
export async function took(run: () => unknown): Promise<Took> {
  const [start, begun] = [process.cpuUsage(), performance.now()];
  await run();
  const wall = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(start);
  return { cpu: (user + system) / 1e6, wall };
}
