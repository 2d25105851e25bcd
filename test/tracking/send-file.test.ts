import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { TrackingRefused, TrackingUnavailable } from '../../contract/failures.ts';
import { Http } from '../../tracking/mlflow/http.ts';

const folder = mkdtempSync(join(tmpdir(), 'send-file-'));
const file = join(folder, 'model.json');
const SIZE = 200_000_000;
let server: Server;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends a file of zeros as a model is sent. */
function send(uri: string, size = SIZE, signal?: AbortSignal): Promise<void> {
  writeFileSync(file, '');
  truncateSync(file, size);
  const http = new Http({ uri, authorization: 'Bearer t', timeoutMs: 60_000, signal });
  return http.upload('/a', { file, size }, 'application/octet-stream');
}

afterEach(() => {
  server.closeAllConnections();
  server.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a file on its way to the tracking server', () => {
  it('arrives whole, its length said before', async () => {
    const seen: unknown[] = [];
    const takeIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { method, headers } = request;
      const { length } = await buffer(request);
      seen.push(method, headers['authorization'], headers['content-length'], length);
      response.end();
    };
    const uri = await serve((request, response) => void takeIn(request, response));
    await send(uri, 300_000);
    expect(seen).toEqual(['PUT', 'Bearer t', '300000', 300_000]);
  });

  it('is not read ahead of what the server accepts, and stops when it is cancelled', async () => {
    const uri = await serve((request) => request.pause());
    const stop = new AbortController();
    const before = process.memoryUsage().arrayBuffers;
    const sent = send(uri, SIZE, stop.signal);
    sent.catch(() => undefined);
    await wait(1000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(SIZE / 4);
    stop.abort(new Error('enough'));
    await expect(sent).rejects.toThrow('enough');
  });

  it('is refused with the reason the server gives before it has taken it', async () => {
    const uri = await serve((_, response) => void response.writeHead(401).end());
    await expect(send(uri)).rejects.toThrow(TrackingRefused);
  });

  it('is to be sent again where the server hangs up', async () => {
    const uri = await serve((request) => request.once('data', () => request.socket.destroy()));
    await expect(send(uri)).rejects.toThrow(TrackingUnavailable);
  });
});
