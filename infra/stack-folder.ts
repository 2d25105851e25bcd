import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf, SetupError } from '../contract/failures.ts';
import { DEFAULT_PORTS, type Ports } from './ports.ts';
import type { S3Kind } from './report.ts';

/** The content of `stack.json`, with which `down`, `status` and clients find the stack. */
export interface StackState {
  schema: 1;
  root: string;
  /** Folder of Python environments. */
  venv: string;
  s3: S3Kind;
  ports: Ports;
  /** Whether MLflow is one of its parts. Default: true. */
  mlflow?: boolean;
  /** The servers' internal ports, chosen at the first start. */
  inner: Record<string, number>;
}

/** What servers have written. The rest of the folder is installed programs. */
const WRITTEN =
  /^(temporal|mlflow|seaweedfs|minio|logs|run|keys|replaced-.*|.*\.json|credentials)$/;

/**
 * Makes the folder of a stack for its owner alone. In a folder that an earlier program made, the files that servers
 * have written become private too.
 * @throws SetupError when it belongs to another user
 */
export function ensureOwnFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if ((statSync(dir).mode & 0o077) === 0) return;
  try {
    for (const name of readdirSync(dir)) if (WRITTEN.test(name)) closeToOthers(join(dir, name));
    chmodSync(dir, 0o700); // last, so that an interrupted start does it again
  } catch (error) {
    throw new SetupError(
      `${dir} can be read by other users, and its permissions cannot be changed (${messageOf(error)}): start the stack as the owner of the folder, or in another folder`,
      { cause: error },
    );
  }
}

function closeToOthers(path: string): void {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return; // its target belongs to somebody else
  if (stats.isDirectory()) for (const name of readdirSync(path)) closeToOthers(join(path, name));
  if ((stats.mode & 0o077) !== 0) chmodSync(path, stats.mode & 0o700);
}

const stateFile = (dir: string): string => join(dir, 'stack.json');

/**
 * The state of the stack in `dir`; undefined when none was ever started there.
 * @throws SetupError when the file is not one this version can read.
 */
export function readStackState(dir: string): StackState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(dir), 'utf8');
  } catch {
    return undefined;
  }
  try {
    const state = JSON.parse(text) as StackState;
    if (state.schema === 1) return state;
  } catch {
    // not JSON: the error below says it
  }
  throw new SetupError(
    `${stateFile(dir)} is not a stack's description: delete it and start the stack again, which keeps its data`,
  );
}

/** Writes the state through a rename, so that no reader sees half a file. */
export function writeStackState(dir: string, state: StackState): void {
  const text = `${JSON.stringify(state, null, 2)}\n`;
  writeFileSync(`${stateFile(dir)}.new`, text, { mode: 0o600 });
  renameSync(`${stateFile(dir)}.new`, stateFile(dir));
}

export interface Credentials {
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
}

/** A file of KEY=VALUE lines that only its owner can read. */
function credentialsFile(dir: string): string {
  return join(dir, 'credentials');
}

/** The stack's S3 credentials, generated at its first start. Call it while holding the stack's lock. */
export function ensureCredentials(dir: string): Credentials {
  const file = credentialsFile(dir);
  if (!existsSync(file)) {
    const lines = [
      `AWS_ACCESS_KEY_ID=${randomBytes(10).toString('hex')}`,
      `AWS_SECRET_ACCESS_KEY=${randomBytes(20).toString('hex')}`,
    ];
    writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file); // no reader sees half a file
  }
  return readCredentials(dir);
}

/**
 * Reads the stack's credentials.
 * @throws SetupError when there is no such file, or when it does not hold both.
 */
export function readCredentials(dir: string): Credentials {
  const file = credentialsFile(dir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SetupError(
      code === 'ENOENT'
        ? `there is no stack in ${dir} (${file} does not exist): start it first`
        : `${file} cannot be read (${code}): run the command as the user who started the stack, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
      { cause: error },
    );
  }
  const value = (name: string): string => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1] ?? '';
  const id = value('AWS_ACCESS_KEY_ID');
  const secret = value('AWS_SECRET_ACCESS_KEY');
  if (id !== '' && secret !== '') return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  throw new SetupError(
    `${file} lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY: delete it, and the stack makes new ones`,
  );
}

/** The addresses of the stack's servers, as the environment variables that clients read. */
export interface StackAddresses {
  TEMPORAL_ADDRESS: string;
  TEMPORAL_NAMESPACE: string;
  TEMPORAL_UI_URL: string;
  AWS_ENDPOINT_URL_S3: string;
  AWS_REGION: string;
  MLFLOW_TRACKING_URI: string;
}

/** The addresses of a stack on these ports. */
export function listAddresses(ports: Ports): StackAddresses {
  return {
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_UI_URL: `http://localhost:${ports.ui}`,
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${ports.s3}`,
    AWS_REGION: 'us-east-1',
    MLFLOW_TRACKING_URI: `http://127.0.0.1:${ports.mlflow}`,
  };
}

/** The port in each address. */
const PORT_OF: Record<string, keyof Ports> = {
  TEMPORAL_ADDRESS: 'temporal',
  TEMPORAL_UI_URL: 'ui',
  AWS_ENDPOINT_URL_S3: 's3',
  MLFLOW_TRACKING_URI: 'mlflow',
};

/** An address in params.yaml wins over these variables, so the stack's address gets another name. */
const WEAKER_NAME: Record<string, string> = {
  MLFLOW_TRACKING_URI: 'RETRAIN_STACK_MLFLOW_URI',
};

/**
 * Fills in environment variables from the local stack in `dir`: its S3 credentials, and the addresses of
 * parts that are not on their default ports (params.yaml names the default ones). Variables that are set
 * keep their values. Does nothing when no stack was ever started there.
 */
export function useStack(dir: string, env: NodeJS.ProcessEnv = process.env): void {
  const state = readStackState(dir);
  if (state === undefined) return;
  // With a local stack, only the owner of this machine chooses what is read.
  env['RETRAIN_SOURCE_PRIVATE_ADDRESSES'] ??= 'allow';
  for (const [name, address] of Object.entries(listAddresses(state.ports))) {
    const port = PORT_OF[name];
    if (port !== undefined && state.ports[port] !== DEFAULT_PORTS[port])
      env[WEAKER_NAME[name] ?? name] ??= address;
  }
  if (env['AWS_ACCESS_KEY_ID'] === undefined && env['AWS_PROFILE'] === undefined)
    Object.assign(env, readCredentials(dir));
}
