import { createServer, type Server } from 'node:http';
import { SetupError } from '../contract/failures.ts';

/** Whether the worker can take work now. */
export type Readiness = () => { ready: boolean; state: string };

/**
 * Answers `/healthz` (the process lives) and `/readyz` (it polls for work) on localhost.
 * @throws SetupError when the port is taken.
 */
export async function serveHealth(port: number, readiness: Readiness): Promise<Server> {
  const server = createServer((request, response) => {
    const { ready, state } = readiness();
    const known = request.url === '/healthz' || request.url === '/readyz';
    const ok = request.url === '/healthz' || (known && ready);
    response.writeHead(known ? (ok ? 200 : 503) : 404, { 'content-type': 'application/json' });
    response.end(known ? JSON.stringify({ state }) : '');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new SetupError(
          `port ${port}, where the worker answers for its health, cannot be used (${error.code}): stop what holds it or choose another with RETRAIN_HEALTH_PORT`,
          { cause: error },
        ),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
