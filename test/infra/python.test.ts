import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SetupError } from '../../contract/failures.ts';
import { ensurePython, findPython, requirementsStamp } from '../../infra/python.ts';
import { tempFolder } from './temp-folder.ts';

const infra = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'infra');
const nobody = { PATH: '/nowhere' };

/** A finished environment of `ensurePython` in a new folder. */
function madeVenv(stamp: string): { base: string; dir: string } {
  const base = join(tempFolder('venv'), 'venv');
  const dir = join(base, stamp.slice(0, 12));
  mkdirSync(join(dir, 'bin'), { recursive: true });
  writeFileSync(join(dir, 'bin', 'python'), 'in use');
  writeFileSync(join(dir, '.requirements-stamp'), stamp);
  return { base, dir };
}

/** A Python with which every installation fails, so that no test installs anything. */
function failingPython(): NodeJS.ProcessEnv {
  const python = join(tempFolder('python'), 'python3');
  const script = `#!/bin/sh\n[ "$1" = -c ] && { echo "3.12 ${python}"; echo venv; exit 0; }\necho no; exit 1\n`;
  writeFileSync(python, script, { mode: 0o755 });
  return { RETRAIN_PYTHON: python };
}

describe('the Python environment', () => {
  it('does not change when it was made from these requirements', async () => {
    const { base, dir } = madeVenv(requirementsStamp());
    const venv = await ensurePython(base, () => {}, nobody);
    expect(venv.temporal).toBe(join(dir, 'bin', 'temporal'));
  });

  it('has another folder for other requirements, and servers continue to run from the first', async () => {
    const { base, dir } = madeVenv('others-than-these');
    // This installation deletes and makes folders, and then fails.
    await expect(ensurePython(base, () => {}, failingPython())).rejects.toThrow(
      /ends with:\n {4}no/,
    );
    expect(readFileSync(join(dir, 'bin', 'python'), 'utf8')).toBe('in use');
  });

  it('is made again when its installation was interrupted', async () => {
    const { base, dir } = madeVenv(requirementsStamp());
    rmSync(join(dir, '.requirements-stamp'));
    await expect(ensurePython(base, () => {}, nobody)).rejects.toThrow(/needs Python/);
  });

  it('has a stamp that changes with the requirements', () => {
    const folder = tempFolder('requirements');
    writeFileSync(join(folder, 'bootstrap.txt'), 'uv');
    writeFileSync(join(folder, 'requirements.txt'), 'a==1');
    const before = requirementsStamp(folder);
    writeFileSync(join(folder, 'requirements.txt'), 'a==2');
    expect(requirementsStamp(folder)).not.toBe(before);
  });

  it('is pinned: every requirement has a version and hashes, and names no index', () => {
    for (const file of ['bootstrap.txt', 'requirements.txt']) {
      const text = readFileSync(join(infra, file), 'utf8').replaceAll('\\\n', ' ');
      const lines = text.split('\n').filter((line) => line !== '' && !/^\s*#/.test(line));
      expect(lines).not.toEqual([]);
      for (const line of lines)
        expect(line).toMatch(/^[\w.\-[\]]+==\S+ .*--hash=sha256:[0-9a-f]{64}/);
      expect(text).not.toMatch(/https?:|--index|--find-links/);
    }
  });
});

/** A folder with a program that answers like a Python. */
function fakePython(name: string, ...lines: string[]): string {
  const folder = tempFolder('fake python');
  const echoes = lines.map((line) => `echo "${line}"`);
  writeFileSync(join(folder, name), ['#!/bin/sh', ...echoes].join('\n'));
  chmodSync(join(folder, name), 0o755);
  return folder;
}

const complaint = async (env: NodeJS.ProcessEnv): Promise<string> => {
  const error = await findPython(env).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SetupError);
  return (error as Error).message;
};

describe('the search for Python', () => {
  it('ends with the command that installs one when PATH has none', async () => {
    expect(await complaint({ PATH: tempFolder('empty') })).toBe(
      'the local stack needs Python 3.10 to 3.13 and there is none on PATH: install one with ' +
        '"sudo apt install python3 python3-venv" (Debian, Ubuntu) or "brew install python@3.12" (macOS), ' +
        'or name one in RETRAIN_PYTHON',
    );
  });

  it('ends with the version when the only one is too old', async () => {
    const PATH = fakePython('python3', '3.8 /usr/bin/python3.8', 'venv');
    expect(await complaint({ PATH })).toMatch(
      /needs Python 3.10 to 3.13 and \/usr\/bin\/python3.8 is 3.8: install/,
    );
  });

  it('ends with the version when the only one is newer than the tested ones', async () => {
    const PATH = fakePython('python3', '3.14 /usr/bin/python3.14', 'venv');
    expect(await complaint({ PATH })).toMatch(
      /needs Python 3.10 to 3.13 and \/usr\/bin\/python3.14 is 3.14, which is not tested yet: install/,
    );
  });

  it('names the package that contains a missing venv module', async () => {
    const PATH = fakePython('python3', '3.11 /usr/bin/python3.11');
    expect(await complaint({ PATH })).toMatch(
      /\(Python 3.11\) has no venv module: .*apt install python3.11-venv/,
    );
  });

  it('uses the one in RETRAIN_PYTHON, and reports when it does not run', async () => {
    const folder = fakePython('mine', '3.12 /opt/mine', 'venv');
    expect(await findPython({ RETRAIN_PYTHON: join(folder, 'mine') })).toBe('/opt/mine');
    expect(await complaint({ RETRAIN_PYTHON: '/nowhere' })).toMatch(
      /^RETRAIN_PYTHON is \/nowhere, which does not run/,
    );
  });

  it('skips a shim whose version is not installed', async () => {
    const shim = fakePython('python3.13', 'python3.13: command not found');
    const real = fakePython('python3', '3.10 /usr/bin/python3.10', 'venv');
    expect(await findPython({ PATH: `${shim}:${real}` })).toBe('/usr/bin/python3.10');
  });
});
