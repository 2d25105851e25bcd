/**
 * Runs `work` over the items, at most `limit` at once. The first failure, or an abort, lets no further
 * item begin; what is under way ends before this returns, so that nothing is left half done.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const stopped = (): boolean => failures.length > 0 || signal?.aborted === true;
  const lane = async (): Promise<void> => {
    while (!stopped()) {
      const next = queue.next();
      if (next.done === true) return;
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  if (failures.length > 0) throw failures[0];
  signal?.throwIfAborted();
}
