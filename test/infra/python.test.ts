import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ensurePython, requirementsStamp } from '../../infra/python.ts';
import { tempFolder } from './temp-folder.ts';

const infra = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'infra');
const nobody = { PATH: '/nowhere' };

/** A finished environment as `ensurePython` leaves it, under a fresh base folder. */
function madeVenv(stamp: string): { base: string; dir: string } {
  const base = join(tempFolder('venv'), 'venv');
  const dir = join(base, stamp.slice(0, 12));
  mkdirSync(join(dir, 'bin'), { recursive: true });
  writeFileSync(join(dir, 'bin', 'python'), 'in use');
  writeFileSync(join(dir, '.requirements-stamp'), stamp);
  return { base, dir };
}

/** A Python whose every set-up fails, so that no test installs anything. */
function failingPython(): NodeJS.ProcessEnv {
  const python = join(tempFolder('python'), 'python3');
  const script = `#!/bin/sh\n[ "$1" = -c ] && { echo "3.12 ${python}"; echo venv; exit 0; }\necho no; exit 1\n`;
  writeFileSync(python, script, { mode: 0o755 });
  return { RETRAIN_PYTHON: python };
}

describe('the Python environment', () => {
  it('is left alone when it was made from these requirements', async () => {
    const { base, dir } = madeVenv(requirementsStamp());
    const venv = await ensurePython(base, () => {}, nobody);
    expect(venv.temporal).toBe(join(dir, 'bin', 'temporal'));
  });

  it('is another for other requirements, and servers may go on running from the first', async () => {
    const { base, dir } = madeVenv('others-than-these');
    // A set-up that gets as far as deleting and making folders, then fails.
    await expect(ensurePython(base, () => {}, failingPython())).rejects.toThrow(
      /ends with:\n {4}no/,
    );
    expect(readFileSync(join(dir, 'bin', 'python'), 'utf8')).toBe('in use');
  });

  it('is made again when its set-up was interrupted', async () => {
    const { base, dir } = madeVenv(requirementsStamp());
    rmSync(join(dir, '.requirements-stamp'));
    await expect(ensurePython(base, () => {}, nobody)).rejects.toThrow(/needs Python/);
  });

  it('has a stamp that follows the requirements', () => {
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
      for (const line of lines)
        expect(line).toMatch(/^[\w.\-[\]]+==\S+ .*--hash=sha256:[0-9a-f]{64}/);
      expect(text).not.toMatch(/https?:|--index|--find-links/);
    }
  });
});
