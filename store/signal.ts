import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';

const current = new AsyncLocalStorage<AbortSignal | undefined>();

/**
 * Does some work whose requests to the store end when the signal is aborted, those under way too; what
 * they then throw is the signal's reason.
 */
export function underSignal<T>(signal: AbortSignal, work: () => T): T {
  setMaxListeners(0, signal); // as many as there are requests at once
  return current.run(signal, work);
}

/** Does some work to its end, whatever becomes of the signal it is called under: a few writes that belong together. */
export function toItsEnd<T>(work: () => T): T {
  return current.run(undefined, work);
}

/** The signal that requests made here end with. */
export function currentSignal(): AbortSignal | undefined {
  return current.getStore();
}
