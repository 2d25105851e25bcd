import { open } from 'node:fs/promises';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { deadline } from '../../store/signal.ts';
import { type Answer, failure, noAnswer, notMlflow } from './failure.ts';

export interface HttpOptions {
  uri: string;
  authorization?: string | undefined;
  /** The limit for one request with its body. An upload gets one more second for each megabyte. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

type Query = Record<string, string>;
interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** The path under the server's URI, with the query. */
  path: string;
  body?: string | Uint8Array | FileBody;
  contentType?: string;
  /** Whether the request changes nothing, so that it may be sent again. */
  safe?: boolean;
}

const API = '/api/2.0/mlflow';

/**
 * Sends requests to one MLflow server. Answers are checked JSON, and failures are errors of this project.
 * Temporal retries, because its retries are visible. There is one exception: a request that changes nothing is
 * sent again when the server has just closed the connection.
 */
export class Http {
  readonly options: HttpOptions;

  constructor(options: HttpOptions) {
    this.options = options;
  }

  /** The same server, with requests that are not ended when the caller gives up. */
  lasting(): Http {
    return new Http({ ...this.options, signal: undefined });
  }

  get<T>(path: string, query: Query, shape: z.ZodType<T>): Promise<T> {
    const search = new URLSearchParams(query).toString();
    return this.#json({ method: 'GET', path: `${API}/${path}?${search}`, safe: true }, shape);
  }

  /** Sends a request that changes nothing, with a body. */
  search<T>(path: string, body: object, shape: z.ZodType<T>): Promise<T> {
    return this.#json({ ...jsonCall('POST', path, body), safe: true }, shape);
  }

  post<T>(path: string, body: object, shape: z.ZodType<T>): Promise<T> {
    return this.#json(jsonCall('POST', path, body), shape);
  }

  patch<T>(path: string, body: object, shape: z.ZodType<T>): Promise<T> {
    return this.#json(jsonCall('PATCH', path, body), shape);
  }

  async delete(path: string, body: object): Promise<void> {
    await this.#send(jsonCall('DELETE', path, body));
  }

  /** Sends bytes or a file to a path under the server's URI. */
  async upload(path: string, body: Uint8Array | FileBody, contentType: string): Promise<void> {
    await this.#send({ method: 'PUT', path, body, contentType });
  }

  async #json<T>(call: Call, shape: z.ZodType<T>): Promise<T> {
    const text = await this.#send(call);
    try {
      return shape.parse(JSON.parse(text));
    } catch (error) {
      throw notMlflow(this.options.uri, nameOf(call), error);
    }
  }

  async #send(call: Call, again = call.safe === true): Promise<string> {
    const { uri, signal, timeoutMs } = this.options;
    const late = deadline(timeoutMs + Math.ceil(sizeOf(call.body) / 1_000), signal);
    try {
      const answer = await this.#ask(call, late.signal);
      if (answer.status >= 200 && answer.status < 300) return answer.body;
      throw failure(uri, nameOf(call), answer);
    } catch (error) {
      // The caller aborted the request: that is not a failure of the server.
      signal?.throwIfAborted();
      if (!isNetwork(error)) throw error;
      if (again && isDropped(error)) return this.#send(call, false);
      throw noAnswer(uri, error);
    } finally {
      late.clear();
    }
  }

  async #ask({ method, path, body, contentType }: Call, signal: AbortSignal): Promise<Answer> {
    const { authorization, uri } = this.options;
    const headers = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    };
    const url = `${uri}${path}`;
    if (isFile(body)) return sendFile(url, body, headers, signal);
    const answer = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body: body as RequestInit['body'] & {} }),
      // A redirect that is followed turns a POST into a GET and sends our credentials to another server.
      redirect: 'manual',
      signal,
    });
    return {
      status: answer.status,
      server: answer.headers.get('server'),
      location: answer.headers.get('location'),
      body: await answer.text(),
    };
  }
}

function sizeOf(body: Call['body']): number {
  if (body === undefined) return 0;
  if (typeof body === 'string') return body.length;
  return isFile(body) ? body.size : body.byteLength;
}

function isFile(body: Call['body']): body is FileBody {
  return typeof body === 'object' && 'file' in body;
}

function jsonCall(method: Call['method'], path: string, body: object): Call {
  const contentType = 'application/json';
  return { method, path: `${API}/${path}`, body: JSON.stringify(body), contentType };
}

/** Returns the name of a request in messages, for example `POST runs/create`. */
function nameOf(call: Call): string {
  const path = call.path.replace(/\?.*$/, '');
  return `${call.method} ${path.replace(`${API}/`, '').replace(/^\/api\/2\.0\//, '')}`;
}

/** `fetch` fails with a TypeError, and with the signal's TimeoutError. */
function isNetwork(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError');
}

function isDropped(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE';
}

/** The shape of an answer whose fields are not used. */
export const anything = z.object({});

/** A file of this machine to send, and its size in bytes. */
export interface FileBody {
  readonly file: string;
  readonly size: number;
}

/**
 * Sends a file by PUT on its own connection. The file is read no faster than the server receives it; `fetch`
 * reads ahead without a limit and would hold the whole file in memory.
 * @throws TypeError as `fetch` does, when the server is not reached or closes the connection
 * @throws the signal's reason when it is aborted
 */
export async function sendFile(
  url: string,
  { file, size }: FileBody,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Answer> {
  const handle = await open(file);
  const request = url.startsWith('https:') ? secure : plain;
  const call = request(url, {
    method: 'PUT',
    headers: { ...headers, 'content-length': size },
    agent: false,
    signal,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    call.once('error', reject);
    call.once('response', (response) => {
      const { statusCode: status = 0, headers: received } = response;
      const server = received['server']?.toString() ?? null;
      const location = received.location ?? null;
      readText(response).then((body) => resolve({ status, server, location, body }), reject);
    });
  });
  const sent = pipeline(handle.createReadStream({ autoClose: false }), call);
  // A server that refuses may answer before it has received everything. Then its answer has the reason.
  sent.catch(() => undefined);
  try {
    return await answer;
  } catch (error) {
    signal.throwIfAborted();
    throw new TypeError(`${file} could not be sent`, { cause: error });
  } finally {
    call.destroy();
    await handle.close();
  }
}
