import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a network, or a server in trouble, does to a request. */
export const TOXICS = {
  /** Everything takes longer. */
  latency: async (exchange) => {
    await sleep(300);
    await exchange.forward();
  },
  /** The connection breaks before the server has seen the request. */
  reset: async ({ incoming }) => void incoming.socket.resetAndDestroy(),
  /** The server does what it is asked, and the answer is lost. */
  lostAnswer: async (exchange) => {
    await exchange.ask();
    exchange.incoming.socket.resetAndDestroy();
  },
  /** The server says it cannot now. */
  unavailable: async ({ response }) => void response.writeHead(503).end('busy'),
  /** Half of the answer comes, then the connection breaks. */
  half: async (exchange) => {
    const answer = await exchange.ask();
    begin(exchange, answer);
    exchange.response.write(answer.body.subarray(0, answer.body.length >> 1), () =>
      exchange.incoming.socket.destroy(),
    );
  },
  /** Half of the answer comes, and then nothing: the connection stays open. */
  stall: async (exchange) => {
    const answer = await exchange.ask();
    begin(exchange, answer);
    exchange.response.write(answer.body.subarray(0, answer.body.length >> 1));
  },
  /** The answer comes whole, a byte at a time at its end, and the connection closes late. */
  slowClose: async (exchange) => {
    const answer = await exchange.ask();
    begin(exchange, answer);
    const tail = Math.max(0, answer.body.length - 3);
    exchange.response.write(answer.body.subarray(0, tail));
    for (const byte of answer.body.subarray(tail)) {
      await sleep(100);
      exchange.response.write(Uint8Array.of(byte));
    }
    exchange.response.end();
  },
} satisfies Record<string, (exchange: Exchange) => Promise<void>>;

export type Toxic = keyof typeof TOXICS;

interface Answer {
  incoming: IncomingMessage;
  body: Buffer;
}

interface Exchange {
  incoming: IncomingMessage;
  response: ServerResponse;
  /** Puts the request to the server and takes its answer whole. */
  ask: () => Promise<Answer>;
  /** Passes the request on and the answer back, as if nothing stood between. */
  forward: () => Promise<void>;
}

/** A request that is to be kept waiting. */
export interface Held {
  /** Resolves when it has come. */
  come: Promise<void>;
  /** Resolves when its sender has given it up. */
  givenUp: Promise<void>;
  /** Breaks its connection, unanswered. */
  letGo: () => Promise<void>;
}

/** A way to a server on which harm can be done. */
export interface Proxy {
  uri: string;
  /** Does this to every nth request from now on, so often at most; undefined: to none. */
  poison: (toxic: Toxic | undefined, every?: number, times?: number) => void;
  /** Takes the next request whose "METHOD /path?query" matches, and neither passes it on nor answers. */
  hold: (which: RegExp) => Held;
  /** Requests that have been harmed. */
  harmed: () => number;
  /** Requests since the last call, as "METHOD /path?query". */
  seen: () => string[];
  close: () => void;
}

/** Opens a proxy on a free port of localhost. The host header stays the client's: S3 signs it. */
export async function openProxy(target: string): Promise<Proxy> {
  let toxic: Toxic | undefined;
  let [period, count, left, harmed] = [1, 0, 0, 0];
  let requests: string[] = [];
  let waiting: { which: RegExp; take: (incoming: IncomingMessage) => void }[] = [];
  const server = createServer((incoming, response) => {
    const line = `${incoming.method} ${incoming.url}`;
    requests.push(line);
    const waits = waiting.find(({ which }) => which.test(line));
    if (waits !== undefined) {
      waiting = waiting.filter((other) => other !== waits);
      waits.take(incoming);
      return;
    }
    const exchange = exchangeOf(target, incoming, response);
    const poisoned = toxic !== undefined && left > 0 && ++count % period === 0;
    if (poisoned) {
      harmed++;
      left--;
    }
    const act = poisoned ? TOXICS[toxic!](exchange) : exchange.forward();
    act.catch(() => incoming.socket.destroy()); // the server behind is gone: so is this way to it
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    poison: (next, every = 1, times = Infinity) => {
      [toxic, period, count, left] = [next, every, 0, times];
    },
    hold: (which) => {
      let end = (): void => undefined;
      let taken: IncomingMessage;
      const givenUp = new Promise<void>((resolve) => (end = resolve));
      const come = new Promise<void>((resolve) => {
        const take = (incoming: IncomingMessage): void => {
          taken = incoming;
          incoming.resume().socket.once('close', end); // unread, its end would not be seen
          resolve();
        };
        waiting.push({ which, take });
      });
      const letGo = async (): Promise<void> => {
        taken.socket.destroy();
        await givenUp;
      };
      return { come, givenUp, letGo };
    },
    harmed: () => harmed,
    seen: () => {
      const before = requests;
      requests = [];
      return before;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function exchangeOf(target: string, incoming: IncomingMessage, response: ServerResponse): Exchange {
  const ask = async (): Promise<Answer> => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url, headers } = incoming;
      const onward = request(`${target}${url ?? ''}`, { method, headers });
      onward.once('response', resolve).once('error', reject);
      incoming.once('error', reject).pipe(onward);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { incoming: answer, body: Buffer.concat(chunks) };
  };
  const exchange: Exchange = {
    incoming,
    response,
    ask,
    forward: async () => {
      const answer = await ask();
      begin(exchange, answer);
      response.end(answer.body);
    },
  };
  return exchange;
}

/** Sends the head of the answer as it came, with the length of all of it. */
function begin({ response }: Exchange, { incoming, body }: Answer): void {
  const headers = { ...incoming.headers };
  delete headers['transfer-encoding'];
  const length = headers['content-length'] ?? String(body.length);
  response.writeHead(incoming.statusCode ?? 502, { ...headers, 'content-length': length });
  response.flushHeaders();
}
