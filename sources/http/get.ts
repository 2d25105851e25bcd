import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RetrainError, SourceUnavailable } from '../../contract/failures.ts';
import type { SourceLimits } from '../source.ts';
import { checkHost, guardedLookup } from './addresses.ts';
import { shown } from './url-check.ts';

/** A request, and what bounds it. */
export interface Get {
  url: URL;
  headers: Record<string, string>;
  /** Whether this machine and private networks must not be reached. */
  outside: boolean;
  limits: SourceLimits;
  /** Ends everything: the caller's cancellation and the time there is for all hops together. */
  signal: AbortSignal;
}

/**
 * Sends one GET, following nothing.
 * @returns the answer once its head is there; its body fails when no byte comes for `idleMs`
 * @throws SourceUnavailable when no answer comes
 */
export async function get({
  url,
  headers,
  outside,
  limits,
  signal,
}: Get): Promise<IncomingMessage> {
  checkHost(url.hostname, { outside });
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, {
      headers,
      lookup: guardedLookup({ outside }),
      agent: false, // a connection of its own, closed at the end: what comes after the body is seen
      signal,
    });
    const connecting = setTimeout(
      () => request.destroy(new Error(`no connection within ${limits.connectMs / 1_000} s`)),
      limits.connectMs,
    );
    request.once('socket', (socket) => {
      const connected = (): void => clearTimeout(connecting);
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    });
    let answer: IncomingMessage | undefined;
    request.setTimeout(limits.idleMs, () =>
      (answer ?? request).destroy(new Error(`nothing came for ${limits.idleMs / 1_000} s`)),
    );
    request.once('close', () => clearTimeout(connecting));
    request.on('error', (error) => {
      reject(unavailable(url, error));
      if (answer !== undefined) late.set(answer, error);
    });
    request.once('response', (response) => {
      answer = response;
      resolve(response);
    });
    request.end();
  });
}

const late = new WeakMap<IncomingMessage, Error>();

/** What went wrong after an answer's head had come: for one, bytes after its announced end. */
export function lateFailure(answer: IncomingMessage): Error | undefined {
  return late.get(answer);
}

/** What became of a request that got no answer, or half of one. */
export function unavailable(url: URL, error: unknown): Error {
  if (error instanceof RetrainError) return error;
  return new SourceUnavailable(
    `${shown(url)} cannot be read (${reasonOf(error)}): it is tried again; check that the server is up and the URL right`,
    { cause: error },
  );
}

function reasonOf(error: unknown): string {
  const { message, code, name } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return 'it took too long';
  if (code === 'ENOTFOUND') return 'no such host';
  if (message === 'aborted') return 'the connection broke off';
  return message || (code ?? 'no answer');
}
