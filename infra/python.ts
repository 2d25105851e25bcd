import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../contract/failures.ts';
import { findPython } from './interpreter.ts';
import { withLock } from './lock.ts';
import { lastLines } from './log.ts';
import { isProgram } from './on-path.ts';
import type { Report } from './types.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The programs of an installed environment, and what is installed in it. */
export interface Venv {
  dir: string;
  python: string;
  temporal: string;
  weed: string;
  /** SHA-256 of the requirements it was made from. */
  stamp: string;
}

/** SHA-256 of the pinned requirements: an environment made from others is made anew. */
export function requirementsStamp(folder = here): string {
  const hash = createHash('sha256');
  for (const file of ['bootstrap.txt', 'requirements.txt'])
    hash.update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

/**
 * Makes a Python environment with the stack's servers under `base`, unless it is there already. Each
 * edition of the requirements has a folder of its own, because servers may be running from an older
 * one: nothing that was finished is ever deleted. The stamp is written last, so a set-up that was
 * interrupted is done again from the start.
 * @throws SetupError when there is no fit Python, or an installation fails.
 */
export async function ensurePython(
  base: string,
  report: Report,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Venv> {
  const venv = venvAt(base);
  const { dir } = venv;
  if (isReady(venv)) return venv;
  mkdirSync(dirname(dir), { recursive: true });
  const tell = (line: string): void => report({ part: 'python', state: 'working', line });
  await withLock(
    `${dir}.lock`,
    async () => {
      if (isReady(venv)) return;
      const began = Date.now();
      const python = await findPython(env);
      tell(`setting up Python in ${dir} (once; downloads about 300 MB)`);
      await install(venv, python, env, tell);
      writeFileSync(stampFile(dir), venv.stamp);
      const line = `Python is set up (${Math.round((Date.now() - began) / 1000)} s)`;
      report({ part: 'python', state: 'ready', line });
    },
    (pid) => tell(`waiting for process ${pid}, which is setting up Python`),
  );
  return venv;
}

/** The programs of today's edition under `base`, whether it is there or not. */
export function venvAt(base: string): Venv {
  const stamp = requirementsStamp();
  const dir = join(base, stamp.slice(0, 12));
  const bin = (name: string): string => join(dir, 'bin', name);
  return { dir, python: bin('python'), temporal: bin('temporal'), weed: bin('weed'), stamp };
}

const stampFile = (dir: string): string => join(dir, '.requirements-stamp');

/** The base Python may have been removed since, which leaves `bin/python` a link to nothing. */
function isReady({ dir, python, stamp }: Venv): boolean {
  const file = stampFile(dir);
  return existsSync(file) && readFileSync(file, 'utf8') === stamp && existsSync(python);
}

/** Whether the servers that are no Python are there, whatever has become of it since. */
export function hasServers({ dir, stamp, temporal, weed }: Venv): boolean {
  const file = stampFile(dir);
  return (
    existsSync(file) &&
    readFileSync(file, 'utf8') === stamp &&
    isProgram(temporal) &&
    isProgram(weed)
  );
}

async function install(
  venv: Venv,
  base: string,
  env: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<void> {
  const log = `${venv.dir}.log`;
  const clean: NodeJS.ProcessEnv = { ...env, PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  for (const name of ['PYTHONPATH', 'PYTHONHOME', 'VIRTUAL_ENV', 'PIP_USER', 'PIP_TARGET'])
    delete clean[name];
  const step = (program: string, ...args: string[]): Promise<boolean> =>
    runLogged(program, args, log, clean);
  const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '-r'];
  const requirements = join(here, 'requirements.txt');

  rmSync(venv.dir, { recursive: true, force: true });
  rmSync(log, { force: true });
  if (!(await step(base, '-m', 'venv', venv.dir)))
    throw failed('making a virtual environment', log);
  // The machine's own certificates, as pip uses them: companies have theirs.
  const certs = '--system-certs';
  const uv = ['-m', 'uv', 'pip', 'install', certs, '--quiet', '--python', venv.python];
  const quick =
    (await step(venv.python, ...pip, join(here, 'bootstrap.txt'))) &&
    (await step(venv.python, ...uv, '--require-hashes', '-r', requirements));
  if (quick) return;
  // uv does not read pip's configuration, where a mirror may be named: pip may manage where uv cannot.
  tell('uv did not manage the installation: trying pip, which takes some minutes');
  if (!(await step(venv.python, ...pip, requirements))) throw failed('installing the servers', log);
}

function runLogged(
  program: string,
  args: string[],
  log: string,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const fd = openSync(log, 'a');
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', fd, fd], env });
    const end = (ok: boolean): void => {
      closeSync(fd);
      resolve(ok);
    };
    child.once('error', () => end(false)).once('exit', (code) => end(code === 0));
  });
}

function failed(doing: string, log: string): SetupError {
  const lines = lastLines(log).map((line) => `    ${line}`);
  return new SetupError(
    `${doing} for the local stack failed: mend what ${log} says and try again; it ends with:\n${lines.join('\n')}`,
  );
}
