import { execFile } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BadParams, SetupError } from '../contract/failures.ts';
import { findProcess } from './process.ts';
import type { PartName } from './report.ts';

/** The ports that a person may type. */
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
export function namePortVariable(name: keyof Ports): string {
  return `RETRAIN_PORT_${name.toUpperCase()}`;
}

/** The port of each part: the one asked for, else from the environment, else of the last start, else the default. */
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
    const same = names.find((other) => other < name && ports[other] === ports[name]);
    if (same === undefined) continue;
    throw new BadParams(
      `${same} and ${name} are both given port ${ports[name]}: choose another for one of them with ${namePortVariable(name)}`,
    );
  }
  return ports;
}

function fromEnv(name: keyof Ports, env: NodeJS.ProcessEnv): number | undefined {
  const text = env[namePortVariable(name)];
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new BadParams(`${namePortVariable(name)} is "${text}": give a port number from 1 to 65535`);
}

/** Whether a server can listen on the port of 127.0.0.1 and no other server answers there or on ::1. */
export async function isFree(port: number): Promise<boolean> {
  if (!(await canListen(port))) return false;
  // On some systems we can listen beside a wildcard listener, and "localhost" may then reach that listener.
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

/** Whether a server accepts connections on the port. */
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
 * Finds `count` free ports below the range of outgoing connections. The search starts at a random port,
 * so that two stacks that search at the same time find different ones.
 * @param offsets for each port found, port + offset is free too
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

const run = promisify(execFile);

/** A port that a part listens on, and the environment variable that chooses another. */
export interface PortUse {
  port: number;
  variable: string;
}

/**
 * Checks that every port is free before a part starts.
 * @throws SetupError that names the port, the part, the process that holds the port, and the variable to set.
 */
export async function assertFree(part: string, uses: PortUse[]): Promise<void> {
  for (const { port, variable } of uses) {
    let free = await isFree(port);
    let holder = free ? undefined : await findHolder(port);
    // If no process is found at the port, it is usually free again soon: its server was ending, or a program was
    // looking for a free port.
    for (let tries = 0; !free && holder === undefined && tries < 5; tries++) {
      await sleep(300);
      free = await isFree(port);
      holder = free ? undefined : await findHolder(port);
    }
    if (free) continue;
    const by = holder === undefined ? 'another process' : `${holder.name} (process ${holder.pid})`;
    throw new SetupError(
      `port ${port}, which ${part} needs, is held by ${by}: end that process, or choose another port with ${variable}`,
      { details: { port, part, ...(holder === undefined ? {} : { pid: holder.pid }) } },
    );
  }
}

/** The process that listens on a port, by lsof or ss; often undefined when it belongs to another user. */
export async function findHolder(port: number): Promise<{ pid: number; name: string } | undefined> {
  const lsof = await readOutput('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const [, pid, name] = /^p(\d+)\n(?:[^c].*\n)*c(.+)$/m.exec(lsof) ?? [];
  if (pid !== undefined && name !== undefined) return { pid: Number(pid), name };
  const ss = await readOutput('ss', ['-ltnpH', `sport = :${port}`]);
  const [, command, id] = /users:\(\("([^"]+)",pid=(\d+)/.exec(ss) ?? [];
  return command === undefined ? undefined : { pid: Number(id), name: command };
}

async function readOutput(program: string, args: string[]): Promise<string> {
  try {
    return (await run(program, args, { timeout: 5000 })).stdout;
  } catch {
    return ''; // not installed, or nothing found
  }
}

/** SeaweedFS's internal servers. Each also listens for gRPC, on its port + GRPC_OFFSET. */
const SEAWEED_INNER = [
  'seaweedMaster',
  'seaweedVolume',
  'seaweedFiler',
  'seaweedAdmin',
  'seaweedS3',
];
export const GRPC_OFFSET = 10_000;

/** The internal ports of each part. */
const INNER_PORTS: [PartName, string[]][] = [
  ['temporal', ['temporalMetrics']],
  ['s3', SEAWEED_INNER],
];

/** Whether a part listens on internal ports. */
export function hasInnerPorts(part: unknown): boolean {
  return INNER_PORTS.some(([name]) => name === part);
}

/**
 * Chooses the servers' internal ports. A part keeps its ports of the last start while they are free or
 * it listens on them itself; otherwise it gets other free ones.
 */
export async function settleInnerPorts(
  dir: string,
  last: Record<string, number> = {},
): Promise<Record<string, number>> {
  const settled: Record<string, number> = {};
  for (const [part, names] of INNER_PORTS) {
    const kept = names.map((name) => last[name]).filter((port) => port !== undefined);
    const keep =
      kept.length === names.length &&
      (findProcess(dir, part) !== undefined ||
        (
          await Promise.all(kept.flatMap((port) => [isFree(port), isFree(port + GRPC_OFFSET)]))
        ).every(Boolean));
    const taken = Object.values(settled);
    const fresh = keep ? kept : await freePorts(names.length + taken.length, [GRPC_OFFSET]);
    const ports = keep ? kept : fresh.filter((port) => !taken.includes(port));
    names.forEach((name, index) => (settled[name] = ports[index] ?? 0));
  }
  return settled;
}
