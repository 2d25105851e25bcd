import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a path does, however wrong. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server on this machine that misbehaves as the test asks. */
export interface OddServer {
  url: (path: string) => string;
  /** Paths asked for, in turn. */
  asked: string[];
  close: () => Promise<void>;
}

export async function openOddServer(answers: Record<string, Answer>): Promise<OddServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]!;
    asked.push(path);
    const answer = answers[path];
    if (answer !== undefined) return answer(request, response);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
