import { connect } from 'node:http2';

/** Frame of `HealthCheckRequest { service }`: no compression, 4 bytes of length, field 1 a string. */
function request(service: string): Buffer {
  const name = Buffer.from(service);
  const message = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const SERVING = Buffer.from([0x08, 0x01]);

/**
 * Whether a gRPC server says of `service` that it is serving. Spoken by hand because the check runs
 * on every start of the command line, where loading a gRPC library would cost more than all else.
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
    stream.end(request(service));
  });
}
