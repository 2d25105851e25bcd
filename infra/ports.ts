import { connect, createServer } from 'node:net';
import { BadParams, SetupError } from '../contract/failures.ts';

/** The ports a person meets. */
export interface Ports {
  temporal: number;
  ui: number;
  s3: number;
  mlflow: number;
  /** The worker's health. */
  health: number;
}

/** What params.yaml and Temporal's own tools expect; both S3 servers listen on the same port. */
export const DEFAULT_PORTS: Ports = {
  temporal: 7233,
  ui: 8233,
  s3: 8333,
  mlflow: 5000,
  health: 7300,
};

/** The variable that chooses a port. */
export function portVariable(name: keyof Ports): string {
  return `RETRAIN_PORT_${name.toUpperCase()}`;
}

/** Every port: asked for, else from the environment, else as the stack ran last, else the default. */
export function choosePorts(
  asked: Partial<Ports> = {},
  last: Partial<Ports> = {},
  env: NodeJS.ProcessEnv = process.env,
): Ports {
  const names = Object.keys(DEFAULT_PORTS) as (keyof Ports)[];
  const ports = { ...DEFAULT_PORTS };
  for (const name of names) {
    ports[name] = asked[name] ?? fromEnv(name, env) ?? last[name] ?? DEFAULT_PORTS[name];
  }
  for (const name of names) {
    const twin = names.find((other) => other < name && ports[other] === ports[name]);
    if (twin === undefined) continue;
    throw new BadParams(
      `${twin} and ${name} are both given port ${ports[name]}: choose another for one of them with ${portVariable(name)}`,
    );
  }
  return ports;
}

function fromEnv(name: keyof Ports, env: NodeJS.ProcessEnv): number | undefined {
  const text = env[portVariable(name)];
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new BadParams(`${portVariable(name)} is "${text}": give a port number from 1 to 65535`);
}

/** Whether a server can listen on the port of 127.0.0.1 and nobody else answers there or on ::1. */
export async function isFree(port: number): Promise<boolean> {
  if (!(await canListen(port))) return false;
  // A wildcard listener lets us bind beside it on some systems, and "localhost" may then lead to it.
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => accepts(port, host)));
  return !answers.includes(true);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}

/** Whether something accepts connections there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false)).once('timeout', () => end(false));
  });
}

/**
 * `count` free ports below the range that outgoing connections are given, from a random start so that
 * two stacks that choose at once do not choose the same. `offsets` must be free beside each.
 */
export async function freePorts(count: number, offsets: number[] = []): Promise<number[]> {
  const found: number[] = [];
  let port = 20_000 + Math.floor(Math.random() * 2000);
  for (; port < 22_700 && found.length < count; port++) {
    const all = [port, ...offsets.map((offset) => port + offset)];
    if ((await Promise.all(all.map(isFree))).every(Boolean)) found.push(port);
  }
  if (found.length === count) return found;
  throw new SetupError('no free ports between 20000 and 22700: end some of the servers there');
}
