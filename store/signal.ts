import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';

const current = new AsyncLocalStorage<AbortSignal | undefined>();

/**
 * Runs work whose requests to the store end when the signal is aborted, those in progress too. They then throw
 * the signal's reason.
 */
export function underSignal<T>(signal: AbortSignal, work: () => T): T {
  setMaxListeners(0, signal); // each request in progress adds one
  return current.run(signal, work);
}

/** Runs work to its end, even if the current signal is aborted: for writes that belong together. */
export function withoutSignal<T>(work: () => T): T {
  return current.run(undefined, work);
}

/** Returns the signal that ends the requests of the calling code. */
export function currentSignal(): AbortSignal | undefined {
  return current.getStore();
}

/** A limit on the time of an operation. */
export interface Deadline {
  signal: AbortSignal;
  /** Stops the timer and stops listening to the other signal. Call it when the operation has ended. */
  clear: () => void;
}

/**
 * A signal that aborts when the time is over, with a TimeoutError as its reason, or when another signal aborts.
 * It does not use AbortSignal.any with AbortSignal.timeout, because Node 20 may collect a timeout that nothing
 * else references. A request whose answer stops halfway would then wait for fetch's own limit of five minutes.
 * @param ms milliseconds from now
 */
export function deadline(ms: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController();
  const late = new DOMException('the operation took too long', 'TimeoutError');
  // The timer references the controller, and does not keep the process alive.
  const timer = setTimeout(() => controller.abort(late), ms).unref();
  const stop = (): void => controller.abort(signal?.reason);
  const clear = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  };
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true, signal: controller.signal });
  return { signal: controller.signal, clear };
}
