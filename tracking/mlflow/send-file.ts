import { open } from 'node:fs/promises';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Answer } from './failure.ts';

/** A file of this machine that is to be sent; its bytes, in number, are those that are announced. */
export interface FileBody {
  readonly file: string;
  readonly size: number;
}

/**
 * Sends a file by PUT, on a connection of its own, and no faster than the server takes it. `fetch` reads
 * ahead without end: it would hold the whole file.
 * @throws TypeError as `fetch` does, when the server is not reached or hangs up; the signal's reason when that
 *   aborts
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
      const { statusCode: status = 0, headers: told } = response;
      const server = told['server']?.toString() ?? null;
      const location = told.location ?? null;
      text(response).then((body) => resolve({ status, server, location, body }), reject);
    });
  });
  const sent = pipeline(handle.createReadStream({ autoClose: false }), call);
  // A server that refuses may answer before it has taken all: then its answer says why.
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
