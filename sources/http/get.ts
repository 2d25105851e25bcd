import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RetrainError, SourceUnavailable, BadParams } from '../../contract/failures.ts';
import type { SourceLimits } from '../source.ts';
import { checkHost, guardedLookup } from './addresses.ts';

/** A request and its limits. */
export interface Get {
  url: URL;
  headers: Record<string, string>;
  /** Whether addresses of this machine and of private networks are refused. */
  outside: boolean;
  limits: SourceLimits;
  /** Ends the request when the caller cancels it, or when the time for all redirects together is over. */
  signal: AbortSignal;
}

/**
 * Sends one GET and follows no redirect.
 * @returns the answer as soon as its head has arrived; its body fails when no byte arrives for `idleMs`
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
      agent: false, // its own connection, so that bytes after the body are noticed
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
      (answer ?? request).destroy(new Error(`no byte arrived for ${limits.idleMs / 1_000} s`)),
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

/** Returns an error that occurred after an answer's head arrived, for example bytes after its announced end. */
export function findLateError(answer: IncomingMessage): Error | undefined {
  return late.get(answer);
}

/** The error for a request without a complete answer. */
export function unavailable(url: URL, error: unknown): Error {
  if (error instanceof RetrainError) return error;
  return new SourceUnavailable(
    `${formatUrl(url)} cannot be read (${reasonOf(error)}): it is tried again; check that the server is up and that the URL is right`,
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

/** Names of query parameters that carry a secret: signed links and tokens. */
const SECRET =
  /^(x-amz-.*|x-goog-.*|awsaccesskeyid|signature|sig|.*token|.*secret.*|.*passw.*|pwd|(api|access|auth)?[-_]?key|auth|authorization)$/i;

/**
 * Parses the URL of a source.
 * @throws BadParams when it is not a URL, or when it holds a secret, because histories keep params
 */
export function checkUrl(source: string): URL {
  if (!URL.canParse(source))
    throw new BadParams(`data.source ${source.split('?')[0]} is not a URL: check its spelling`);
  const url = new URL(source);
  if (url.username !== '' || url.password !== '')
    throw new BadParams(
      `data.source holds a user or password in the URL of ${url.host}, which the history of a run would keep: remove it from the URL, or put the file into S3 and give s3://bucket/key`,
    );
  const secret = [...url.searchParams.keys()].find((name) => SECRET.test(name));
  if (secret !== undefined)
    throw new BadParams(
      `data.source holds a secret in the URL of ${url.host} (its parameter ${secret}), which the history of a run would keep: download the file and give its path, or put it into S3 and give s3://bucket/key`,
    );
  url.hash = '';
  return url;
}

/** Formats a URL for messages, without its query, which may be long or private. */
export function formatUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
