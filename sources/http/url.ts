import type { IncomingMessage } from 'node:http';
import { deadline, type Deadline } from '../../store/signal.ts';
import { SourceRefused, SourceUnavailable } from '../../contract/failures.ts';
import { checkUrl, readSecretUrl } from '../../contract/source-url.ts';
import { isInside, type Reach } from './addresses.ts';
import { get, findLateError, unavailable, formatUrl } from './get.ts';
import {
  type OpenKind,
  type OpenOptions,
  type OpenSource,
  type Stamp,
  tooLarge,
} from '../source.ts';

const MOST_REDIRECTS = 5;

const HEADERS = {
  accept: 'text/csv, text/plain, */*',
  'accept-encoding': 'identity', // so that the length of the body is known
  'user-agent': 'incremental-retraining',
};

/**
 * Opens an http(s) URL. Up to MOST_REDIRECTS redirects are followed, and each URL is checked like the first. The
 * length of the body is compared with the announced length.
 */
export const openUrl: OpenKind = async (source, options) => {
  const { secretEnv = null } = options;
  const url =
    secretEnv === null ? checkUrl(source) : readSecretUrl({ source, source_secret_env: secretEnv });
  const late = deadline(options.limits.totalMs, options.signal); // also for the body, which is read later
  const { signal } = late;
  try {
    const { at, answer } = await follow(url, options, signal);
    if (answer.statusCode === 304 && options.known !== undefined) {
      answer.destroy();
      late.clear();
      return undefined;
    }
    checkAnswer(at, answer, options);
    return opened(at, answer, late);
  } catch (error) {
    late.clear();
    const isLate = signal.aborted && signal.reason !== options.signal?.reason;
    throw isLate ? unavailable(url, signal.reason) : error;
  }
};

async function follow(
  from: URL,
  { known, limits, confined }: OpenOptions,
  signal: AbortSignal,
): Promise<{ at: URL; answer: IncomingMessage }> {
  const headers = { ...HEADERS, ...conditions(known) };
  let url = from;
  let reach: Reach = confined && !limits.privateAddresses ? 'public' : 'any';
  for (let hops = 0; ; hops++) {
    const { answer, peer } = await get({ url, headers, reach, limits, signal });
    const { location } = answer.headers;
    if (!isRedirect(answer) || location === undefined) return { at: url, answer };
    if (reach === 'any' && (peer === undefined || !isInside(peer))) reach = 'public after redirect';
    answer.destroy();
    if (hops === MOST_REDIRECTS)
      throw new SourceRefused(
        `${formatUrl(from)} redirects more than ${MOST_REDIRECTS} times: give the URL of the file itself`,
      );
    url = resolveRedirect(url, location);
  }
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode);
}

/** Checks the target of a redirect. Messages never quote it, because it may be a signed link. */
function resolveRedirect(from: URL, location: string): URL {
  const refused = (why: string): SourceRefused =>
    new SourceRefused(`${formatUrl(from)} redirects to ${why}: give the URL of the file itself`);
  if (!URL.canParse(location, from.href)) throw refused('something that is not a URL');
  const next = new URL(location, from);
  if (next.protocol !== 'http:' && next.protocol !== 'https:')
    throw refused(`${next.protocol}//, which is neither http nor https`);
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw refused(`${next.host} without encryption`);
  next.username = next.password = '';
  return next;
}

function conditions(known: Stamp | undefined): Record<string, string> {
  if (known?.etag != null) return { 'if-none-match': known.etag };
  if (known?.modified != null) return { 'if-modified-since': known.modified };
  return {};
}

function checkAnswer(url: URL, answer: IncomingMessage, { limits }: OpenOptions): void {
  const { statusCode = 0, headers } = answer;
  const fail = (error: Error): never => {
    answer.destroy();
    throw error;
  };
  const at = formatUrl(url);
  if (statusCode === 404 || statusCode === 410)
    fail(new SourceRefused(`${at} is not there (${statusCode}): check data.source`));
  if (statusCode === 401 || statusCode === 403)
    fail(
      new SourceRefused(
        `${at} may not be read (${statusCode}): make it readable without a login, or put the file into S3 and give s3://bucket/key`,
      ),
    );
  const passing = statusCode >= 500 || [206, 408, 425, 429].includes(statusCode);
  if (passing) fail(unavailable(url, new Error(`it answered ${statusCode}`)));
  if (statusCode !== 200)
    fail(new SourceRefused(`${at} answered ${statusCode}, not with a file: check data.source`));
  const coding = headers['content-encoding'] ?? 'identity';
  if (!['identity', 'gzip', 'x-gzip'].includes(coding))
    fail(new SourceRefused(`${at} is encoded as ${coding}: serve it plain or as gzip`));
  if (headers['content-type']?.startsWith('text/html') === true)
    fail(
      new SourceRefused(
        `${at} is a web page, not a table: give the URL of the CSV file itself; it must not need a login`,
      ),
    );
  if (Number(headers['content-length'] ?? 0) > limits.bytes) fail(tooLarge(at, limits.bytes));
}

function opened(url: URL, answer: IncomingMessage, late: Deadline): OpenSource {
  const { etag = null, 'last-modified': modified = null } = answer.headers;
  return {
    chunks: readBody(url, answer, late.signal),
    stamp: { etag, modified },
    close: () => {
      answer.destroy();
      late.clear();
    },
  };
}

/** Reads the body to its end. An incomplete body is an error. */
async function* readBody(
  url: URL,
  answer: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const announced = answer.headers['content-length'];
  let received = 0;
  try {
    for await (const chunk of answer) {
      received += (chunk as Buffer).byteLength;
      yield chunk as Buffer;
    }
  } catch (error) {
    throw unavailable(url, signal.aborted ? signal.reason : error);
  }
  const after = findLateError(answer);
  if (after !== undefined) throw unavailable(url, after);
  if (announced !== undefined && Number(announced) !== received)
    throw new SourceUnavailable(
      `${formatUrl(url)} announced ${announced} bytes and sent ${received}: it is tried again; check the server if that does not help`,
    );
}
