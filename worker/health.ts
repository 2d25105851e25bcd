import { createServer, type Server } from 'node:http';
import { SetupError } from '../contract/failures.ts';

/** Reports whether the worker can accept work now. */
export type Readiness = () => { ready: boolean; state: string };

/**
 * Serves `/healthz` (the process runs) and `/readyz` (it polls for work) on localhost.
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
          `the worker cannot serve its health on port ${port} (${error.code}): stop the process that holds the port, or choose another with RETRAIN_HEALTH_PORT`,
          { cause: error },
        ),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
