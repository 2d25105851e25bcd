import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RetrainError, SourceRefused, SourceUnavailable } from '../../contract/failures.ts';
import type { SourceLimits } from '../source.ts';
import { checkHost, makeGuardedLookup, type Reach } from './addresses.ts';

/** A request and its limits. */
export interface Get {
  url: URL;
  headers: Record<string, string>;
  reach: Reach;
  limits: SourceLimits;
  /** Ends the request when the caller cancels it, or when the time for all redirects together is over. */
  signal: AbortSignal;
}

/**
 * Sends one GET and follows no redirect.
 * @returns the answer as soon as its head has arrived, and the address that sent it; the body fails when no byte
 *   arrives for `idleMs`
 * @throws SourceUnavailable when no response arrives, SourceRefused when the response is not HTTP
 */
export async function get({
  url,
  headers,
  reach,
  limits,
  signal,
}: Get): Promise<{ answer: IncomingMessage; peer: string | undefined }> {
  checkHost(url.hostname, reach);
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, {
      headers,
      lookup: makeGuardedLookup(reach),
      agent: false, // its own connection, so that bytes after the body are noticed
      signal,
    });
    const connecting = setTimeout(
      () => request.destroy(new Error(`no connection within ${limits.connectMs / 1_000} s`)),
      limits.connectMs,
    );
    request.once('socket', (socket) => {
      const connected = (): void => {
        clearTimeout(connecting);
        peer = socket.remoteAddress;
      };
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    });
    let answer: IncomingMessage | undefined;
    let peer: string | undefined;
    request.setTimeout(limits.idleMs, () =>
      (answer ?? request).destroy(new Error(`no byte arrived for ${limits.idleMs / 1_000} s`)),
    );
    request.once('close', () => clearTimeout(connecting));
    request.on('error', (error) => {
      reject(answer === undefined ? noAnswer(url, error) : unavailable(url, error));
      if (answer !== undefined) late.set(answer, error);
    });
    request.once('response', (response) => {
      answer = response;
      resolve({ answer: response, peer });
    });
    request.end();
  });
}

const late = new WeakMap<IncomingMessage, Error>();

/** Returns an error that occurred after an answer's head arrived, for example bytes after its announced end. */
export function findLateError(answer: IncomingMessage): Error | undefined {
  return late.get(answer);
}

/** Codes of the HTTP parser, and of TLS towards a server that speaks something else. */
const NOT_HTTP = /^(HPE_|EPROTO$|ERR_SSL_)/;

/** Codes of a certificate that is not accepted. https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;

/** The error for a request without a response. A retry does not help when the server uses another protocol. */
function noAnswer(url: URL, error: NodeJS.ErrnoException): Error {
  const { code = '' } = error;
  if (NOT_HTTP.test(code))
    return new SourceRefused(
      `${formatUrl(url)} does not answer as ${url.protocol.slice(0, -1).toUpperCase()} (${code}): check the port, and http or https`,
      { cause: error },
    );
  if (CERTIFICATE.test(code))
    return new SourceRefused(
      `the certificate of ${url.host} is not accepted (${code}): replace the certificate, or set NODE_EXTRA_CA_CERTS of the worker to a file with the certificate of its authority`,
      { cause: error },
    );
  return unavailable(url, error);
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

/** Formats a URL for messages, without its query, which may be long or private. */
export function formatUrl(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;
}
