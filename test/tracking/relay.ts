import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Relay {
  uri: string;
  close(): void;
}

/** A way to a server that changes what is sent on, holds answers back, or answers some requests with a 500 itself. */
export async function relayTo(
  uri: string,
  change: {
    host?: string;
    port?: number;
    fails?: (incoming: IncomingMessage) => boolean;
    /** Called when the server has answered; its answer is passed on afterwards. */
    answered?: (incoming: IncomingMessage) => Promise<void> | void;
  },
): Promise<Relay> {
  const server: Server = createServer((incoming, response) => {
    if (change.fails?.(incoming) === true) {
      incoming.resume();
      response.writeHead(500).end();
      return;
    }
    const { method, url, headers } = incoming;
    const host = change.host ?? headers.host;
    // A separate connection: the server may close a kept one just when it is used again.
    const sent = { method, headers: { ...headers, host }, agent: false };
    const onward = request(`${uri}${url ?? ''}`, sent);
    onward.on('error', () => incoming.socket.destroy());
    const passOn = async (answer: IncomingMessage): Promise<void> => {
      await change.answered?.(incoming);
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    };
    onward.on('response', (answer) => void passOn(answer));
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(change.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
