import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RetrainError, SourceUnavailable, BadParams } from '../../contract/failures.ts';
import type { SourceLimits } from '../source.ts';
import { checkHost, guardedLookup } from './addresses.ts';

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

/** Names of query parameters that carry a secret: signed links and tokens. */
const SECRET =
  /^(x-amz-.*|x-goog-.*|awsaccesskeyid|signature|sig|.*token|.*secret.*|.*passw.*|pwd|(api|access|auth)?[-_]?key|auth|authorization)$/i;

/**
 * Reads the URL of a source.
 * @throws BadParams when it is none, or when it carries a secret: params are kept in histories.
 */
export function checkUrl(source: string): URL {
  if (!URL.canParse(source))
    throw new BadParams(`data.source ${source.split('?')[0]} is not a URL: check its spelling`);
  const url = new URL(source);
  if (url.username !== '' || url.password !== '')
    throw new BadParams(
      `data.source names a user or password in the URL of ${url.host}, where a run's history would keep it: give the URL without, or put the file into S3 and name it as s3://bucket/key`,
    );
  const secret = [...url.searchParams.keys()].find((name) => SECRET.test(name));
  if (secret !== undefined)
    throw new BadParams(
      `data.source carries a secret in the URL of ${url.host} (its parameter ${secret}), where a run's history would keep it: fetch the file first and name its path, or put it into S3 and name it as s3://bucket/key`,
    );
  url.hash = '';
  return url;
}

/** A URL for a sentence: without its query, which may be long and is nobody's business. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
