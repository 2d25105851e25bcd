import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { deadline } from '../../store/signal.ts';

setFlagsFromString('--expose-gc');
const sweep = runInNewContext('gc') as () => void;

it('a deadline ends a request whose answer stops halfway, even when memory is swept meanwhile', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { signal } = new AbortController();
  const read = async (): Promise<string> =>
    (await fetch(url, { signal: deadline(500, signal).signal })).text();
  const sweeping = setInterval(sweep, 100);
  await expect(read()).rejects.toMatchObject({ name: 'TimeoutError' });
  clearInterval(sweeping);
  server.closeAllConnections();
  server.close();
});

it('a deadline ends with the signal it is given, and with its reason', () => {
  const controller = new AbortController();
  const { signal: ours } = deadline(60_000, controller.signal);
  expect(ours.aborted).toBe(false);
  controller.abort(new Error('cancelled'));
  expect(ours.reason).toMatchObject({ message: 'cancelled' });
  expect(deadline(60_000, controller.signal).signal.aborted).toBe(true);
});

it('a deadline that is cleared leaves nothing behind on the signal it is given', () => {
  const controller = new AbortController();
  const begun = Array.from({ length: 20 }, () => deadline(60_000, controller.signal));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(20);
  for (const { clear } of begun) clear();
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});
