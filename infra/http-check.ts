import { messageOf } from '../contract/failures.ts';

/** What is wrong with a URL's answer: undefined when its status is one of `good`. */
export async function httpProblem(
  url: string,
  good: number[] = [200],
  timeoutMs = 3000,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      headers: { connection: 'close' },
    });
    await response.body?.cancel();
    return good.includes(response.status) ? undefined : `${url} answers ${response.status}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return `${url} does not answer (${messageOf(cause)})`;
  }
}
