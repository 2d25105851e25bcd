/** A bound of time on what is under way. */
export interface Deadline {
  signal: AbortSignal;
  /** Lets go of the timer and of the other signal: what it bounds has ended. */
  clear: () => void;
}

/**
 * A signal that aborts when the time is up, with a TimeoutError as its reason, or when another signal does.
 * Not AbortSignal.any over AbortSignal.timeout: Node 20 may sweep away a timeout that nothing else holds, and
 * then a request whose answer stops halfway is waited for by fetch's own bound of five minutes.
 * @param ms milliseconds from now
 */
export function deadline(ms: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController();
  const late = new DOMException('the operation took too long', 'TimeoutError');
  // The timer holds the controller; it keeps no process alive.
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
