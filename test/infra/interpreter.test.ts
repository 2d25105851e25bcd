import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SetupError } from '../../contract/failures.ts';
import { findPython } from '../../infra/python.ts';
import { tempFolder } from './temp-folder.ts';

/** A folder with a program that answers as a Python would. */
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

describe('looking for Python', () => {
  it('says how to install one when PATH has none', async () => {
    expect(await complaint({ PATH: tempFolder('empty') })).toBe(
      'the local stack needs Python 3.10 to 3.13 and there is none on PATH: install one with ' +
        '"sudo apt install python3 python3-venv" (Debian, Ubuntu) or "brew install python@3.12" (macOS), ' +
        'or name one in RETRAIN_PYTHON',
    );
  });

  it('says so when the only one is too old', async () => {
    const PATH = fakePython('python3', '3.8 /usr/bin/python3.8', 'venv');
    expect(await complaint({ PATH })).toMatch(
      /needs Python 3.10 to 3.13 and \/usr\/bin\/python3.8 is 3.8: install/,
    );
  });

  it('says so when the only one is newer than any it was tried with', async () => {
    const PATH = fakePython('python3', '3.14 /usr/bin/python3.14', 'venv');
    expect(await complaint({ PATH })).toMatch(
      /needs Python 3.10 to 3.13 and \/usr\/bin\/python3.14 is 3.14, which is not tried yet: install/,
    );
  });

  it('names the package that brings a missing venv module', async () => {
    const PATH = fakePython('python3', '3.11 /usr/bin/python3.11');
    expect(await complaint({ PATH })).toMatch(
      /\(Python 3.11\) has no venv module: .*apt install python3.11-venv/,
    );
  });

  it('takes the one named in RETRAIN_PYTHON, and says so when it does not run', async () => {
    const folder = fakePython('mine', '3.12 /opt/mine', 'venv');
    expect(await findPython({ RETRAIN_PYTHON: join(folder, 'mine') })).toBe('/opt/mine');
    expect(await complaint({ RETRAIN_PYTHON: '/nowhere' })).toMatch(
      /^RETRAIN_PYTHON is \/nowhere, which does not run/,
    );
  });

  it('passes over a shim whose version is not installed', async () => {
    const shim = fakePython('python3.13', 'python3.13: command not found');
    const real = fakePython('python3', '3.10 /usr/bin/python3.10', 'venv');
    expect(await findPython({ PATH: `${shim}:${real}` })).toBe('/usr/bin/python3.10');
  });
});
