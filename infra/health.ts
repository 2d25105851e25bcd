import { connect } from 'node:http2';
import { messageOf } from '../contract/failures.ts';

/** A sentence about why the URL is not healthy; undefined when its status is one of `good`. */
export async function findHttpProblem(
  url: string,
  good: number[] = [200],
  timeoutMs = 3000,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      headers: { connection: 'close' },
    });
    await response.body?.cancel();
    return good.includes(response.status) ? undefined : `${url} answers ${response.status}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return `${url} does not answer (${messageOf(cause)})`;
  }
}

/** gRPC frame of `HealthCheckRequest { service }`: flag 0 (no compression), 4 bytes of length, field 1 as a string. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const SERVING = Buffer.from([0x08, 0x01]);

/**
 * Whether a gRPC server reports that `service` is serving. It uses no gRPC library, because the check
 * runs at every start of the command line and loading one would take most of that time.
 */
export function isServing(port: number, service: string, timeoutMs = 2000): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    const end = (answer: boolean): void => {
      clearTimeout(timer);
      session.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    session.once('error', () => end(false));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', () => end(false));
    stream.once('end', () => end(Buffer.concat(chunks).subarray(5).equals(SERVING)));
    stream.end(encodeRequest(service));
  });
}
