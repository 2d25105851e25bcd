import { execFile, spawn } from 'node:child_process';
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
import { promisify } from 'node:util';
import { SetupError } from '../contract/failures.ts';
import { withFileLock } from '../store/file-lock.ts';
import { lastLines } from './process.ts';
import type { Report } from './report.ts';

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

/** SHA-256 of the pinned requirements. Other requirements get another environment. */
export function requirementsStamp(folder = here): string {
  const hash = createHash('sha256');
  for (const file of ['bootstrap.txt', 'requirements.txt'])
    hash.update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

/**
 * Makes a Python environment with the stack's servers under `base`, unless it exists. Each edition of the
 * requirements has its own folder and no finished folder is deleted, because servers may still run from
 * an older one. The stamp is written last, so an interrupted installation starts again from the beginning.
 * @throws SetupError when there is no suitable Python, or when an installation fails.
 */
export async function ensurePython(
  base: string,
  report: Report,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Venv> {
  const venv = describeVenv(base);
  const { dir } = venv;
  if (isReady(venv)) return venv;
  mkdirSync(dirname(dir), { recursive: true });
  const progress = (line: string): void => report({ part: 'python', state: 'working', line });
  await withFileLock(
    `${dir}.lock`,
    async () => {
      if (isReady(venv)) return;
      const began = Date.now();
      const python = await findPython(env);
      progress(
        `the first start: installing MLflow, Temporal and SeaweedFS in ${dir} (once; downloads about 300 MB, and takes a minute or more)`,
      );
      await install(venv, python, env, progress);
      writeFileSync(stampFile(dir), venv.stamp);
      const line = `Python is set up (${Math.round((Date.now() - began) / 1000)} s)`;
      report({ part: 'python', state: 'ready', line });
    },
    (pid) => progress(`waiting for process ${pid}, which is setting up Python`),
  );
  return venv;
}

/** The paths of the programs under `base` for the present requirements, installed or not. */
export function describeVenv(base: string): Venv {
  const stamp = requirementsStamp();
  const dir = join(base, stamp.slice(0, 12));
  const bin = (name: string): string => join(dir, 'bin', name);
  return { dir, python: bin('python'), temporal: bin('temporal'), weed: bin('weed'), stamp };
}

const stampFile = (dir: string): string => join(dir, '.requirements-stamp');

/** Whether the environment was installed to the end from the requirements of this checkout. */
export function isInstalled({ dir, stamp }: Venv): boolean {
  const file = stampFile(dir);
  return existsSync(file) && readFileSync(file, 'utf8') === stamp;
}

/** `bin/python` is a link to the base Python, which may have been removed since. */
function isReady(venv: Venv): boolean {
  return isInstalled(venv) && existsSync(venv.python);
}

async function install(
  venv: Venv,
  base: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<void> {
  const log = `${venv.dir}.log`;
  const clean: NodeJS.ProcessEnv = { ...env, PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  for (const name of [
    'PYTHONPATH',
    'PYTHONHOME',
    'VIRTUAL_ENV',
    'PIP_USER',
    'PIP_TARGET',
    'PYTHONDONTWRITEBYTECODE',
  ])
    delete clean[name];
  const step = (program: string, ...args: string[]): Promise<boolean> =>
    runLogged(program, args, log, clean);
  const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '-r'];
  const requirements = join(here, 'requirements.txt');

  rmSync(venv.dir, { recursive: true, force: true });
  rmSync(log, { force: true });
  if (!(await step(base, '-m', 'venv', venv.dir)))
    throw failed('making a virtual environment', log);
  // pip uses the machine's certificates, which may include a company's own; uv does so with this option.
  const certs = '--system-certs';
  // Without compiled files, the first start of MLflow takes twice the time, and each one where they cannot be kept.
  const compiled = '--compile-bytecode';
  const uv = ['-m', 'uv', 'pip', 'install', certs, compiled, '--quiet', '--python', venv.python];
  const quick =
    (await step(venv.python, ...pip, join(here, 'bootstrap.txt'))) &&
    (await step(venv.python, ...uv, '--require-hashes', '-r', requirements));
  if (quick) return;
  // uv does not read pip's configuration, which may name a mirror, so pip may succeed where uv fails.
  progress('uv could not install the servers: trying pip, which takes some minutes');
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
    `${doing} for the local stack failed: repair what ${log} says and try again; it ends with:\n${lines.join('\n')}`,
  );
}

const run = promisify(execFile);

const NAMES = ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python'];
const FLOOR = { major: 3, minor: 10 };
const CEILING = { major: 3, minor: 14 }; // excluded: its wheels exist, but were never tested
const PROBE = `
import sys
print("%d.%d" % sys.version_info[:2], sys.executable)
import venv, ensurepip
print("venv")
`;

/** The answer of a Python to the probe. */
interface Answer {
  name: string;
  version: string;
  executable: string;
  /** Whether its version is supported. */
  supported: boolean;
  hasVenv: boolean;
}

/**
 * The path of a Python (3.10 to 3.13) that can make virtual environments: RETRAIN_PYTHON, or the newest on PATH.
 * @throws SetupError when there is none. It says whether Python is missing, too old, or lacks the venv module.
 */
export async function findPython(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const asked = env['RETRAIN_PYTHON'];
  const answers: Answer[] = [];
  for (const name of asked === undefined || asked === '' ? NAMES : [asked]) {
    const answer = await probe(name, env);
    if (answer?.supported === true && answer.hasVenv) return answer.executable;
    if (answer !== undefined) answers.push(answer);
  }
  throw new SetupError(explainNoPython(asked, answers));
}

/** Runs the probe, because a name on PATH may be a shim for a version that is not installed. */
async function probe(name: string, env: NodeJS.ProcessEnv): Promise<Answer | undefined> {
  let stdout: string;
  try {
    ({ stdout } = await run(name, ['-c', PROBE], { env, timeout: 20_000 }));
  } catch (error) {
    stdout = (error as { stdout?: string }).stdout ?? '';
  }
  const [, version, executable] = /^(\d+\.\d+) (.+)$/m.exec(stdout) ?? [];
  if (version === undefined || executable === undefined) return undefined;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const supported = major === FLOOR.major && minor >= FLOOR.minor && minor < CEILING.minor;
  return { name, version, executable, supported, hasVenv: /^venv$/m.test(stdout) };
}

function explainNoPython(asked: string | undefined, answers: Answer[]): string {
  const withoutVenv = answers.find(({ supported }) => supported);
  if (withoutVenv !== undefined) {
    return `${withoutVenv.executable} (Python ${withoutVenv.version}) has no venv module: install it with "sudo apt install python${withoutVenv.version}-venv", or name another Python in RETRAIN_PYTHON`;
  }
  const howToInstall =
    'install one with "sudo apt install python3 python3-venv" (Debian, Ubuntu) or "brew install python@3.12" (macOS), or name one in RETRAIN_PYTHON';
  const other = answers[0];
  if (other !== undefined) {
    const untried =
      Number(other.version.split('.')[1]) >= CEILING.minor ? ', which is not tested yet' : '';
    return `the local stack needs Python 3.10 to 3.13 and ${other.executable} is ${other.version}${untried}: ${howToInstall}`;
  }
  if (asked !== undefined && asked !== '') {
    return `RETRAIN_PYTHON is ${asked}, which does not run as Python: give the path of a Python 3.10 to 3.13`;
  }
  return `the local stack needs Python 3.10 to 3.13 and there is none on PATH: ${howToInstall}`;
}
