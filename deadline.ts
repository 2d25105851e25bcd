/**
 * A signal that aborts when the time is up, with a TimeoutError as its reason, or when another signal does.
 * Not AbortSignal.any over AbortSignal.timeout: Node 20 may sweep away a timeout that nothing else holds, and
 * then a request whose answer stops halfway is waited for by fetch's own bound of five minutes.
 * @param ms milliseconds from now
 */
export function deadline(ms: number, signal?: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const late = new DOMException('the operation took too long', 'TimeoutError');
  // The timer holds the controller; it keeps no process alive.
  setTimeout(() => controller.abort(late), ms).unref();
  const stop = (): void => controller.abort(signal?.reason);
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true, signal: controller.signal });
  return controller.signal;
}
