import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SetupError } from '../contract/failures.ts';

const run = promisify(execFile);

const NAMES = ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python'];
const FLOOR = { major: 3, minor: 10 };
const CEILING = { major: 3, minor: 14 }; // the pinned wheels are there for it too, but nobody has run them on it
const PROBE = `
import sys
print("%d.%d" % sys.version_info[:2], sys.executable)
import venv, ensurepip
print("venv")
`;

/** A Python that was asked and answered. */
interface Answer {
  name: string;
  version: string;
  executable: string;
  fit: boolean;
  hasVenv: boolean;
}

/**
 * Path of a Python (3.10 to 3.13) that can make virtual environments: RETRAIN_PYTHON, or the newest on PATH.
 * @throws SetupError when there is none: says whether it is missing, too old, or lacks the venv module.
 */
export async function findPython(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const asked = env['RETRAIN_PYTHON'];
  const answers: Answer[] = [];
  for (const name of asked === undefined || asked === '' ? NAMES : [asked]) {
    const answer = await ask(name, env);
    if (answer?.fit === true && answer.hasVenv) return answer.executable;
    if (answer !== undefined) answers.push(answer);
  }
  throw new SetupError(complaint(asked, answers));
}

/** A name on PATH may be a shim for a version that is not there, so only an answer counts. */
async function ask(name: string, env: NodeJS.ProcessEnv): Promise<Answer | undefined> {
  let stdout: string;
  try {
    ({ stdout } = await run(name, ['-c', PROBE], { env, timeout: 20_000 }));
  } catch (error) {
    stdout = (error as { stdout?: string }).stdout ?? '';
  }
  const [, version, executable] = /^(\d+\.\d+) (.+)$/m.exec(stdout) ?? [];
  if (version === undefined || executable === undefined) return undefined;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fit = major === FLOOR.major && minor >= FLOOR.minor && minor < CEILING.minor;
  return { name, version, executable, fit, hasVenv: /^venv$/m.test(stdout) };
}

function complaint(asked: string | undefined, answers: Answer[]): string {
  const lame = answers.find(({ fit }) => fit);
  if (lame !== undefined) {
    return `${lame.executable} (Python ${lame.version}) has no venv module: install it with "sudo apt install python${lame.version}-venv", or name another Python in RETRAIN_PYTHON`;
  }
  const install =
    'install one with "sudo apt install python3 python3-venv" (Debian, Ubuntu) or "brew install python@3.12" (macOS), or name one in RETRAIN_PYTHON';
  const other = answers[0];
  if (other !== undefined) {
    const untried =
      Number(other.version.split('.')[1]) >= CEILING.minor ? ', which is not tried yet' : '';
    return `the local stack needs Python 3.10 to 3.13 and ${other.executable} is ${other.version}${untried}: ${install}`;
  }
  if (asked !== undefined && asked !== '') {
    return `RETRAIN_PYTHON is ${asked}, which does not run as Python: give the path of a Python 3.10 to 3.13`;
  }
  return `the local stack needs Python 3.10 to 3.13 and there is none on PATH: ${install}`;
}
