import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readParams } from '../../config/params-file.ts';
import { readOutput, readRemote } from '../../sources/dvc/repository.ts';
import { MOST_SETTINGS, readSmallFile } from '../../store/small-file.ts';
import { countOpen, needsOpenFiles } from '../support/open-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'retrain small '));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('a small file', () => {
  it('is read whole up to its bound, and not beyond', async () => {
    expect(await readSmallFile(write('empty', ''))).toBe('');
    expect(await readSmallFile(write('some', 'ü'.repeat(5)), 10)).toBe('üüüüü');
    await expect(readSmallFile(write('more', 'x'.repeat(11)), 10)).rejects.toThrow(
      'it has 11 bytes, more than 10',
    );
    await expect(readSmallFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is no folder, device or pipe, which have no end', async () => {
    symlinkSync('/dev/zero', join(folder, 'zero'));
    for (const path of [join(folder, 'zero'), folder])
      await expect(readSmallFile(path)).rejects.toThrow(/not a regular file|EISDIR/);
  });
});

it('no small file stays open, whether it is read or refused', needsOpenFiles, async () => {
  const path = write('closed', 'some');
  await readSmallFile(path);
  await expect(readSmallFile(path, 3)).rejects.toThrow('more than 3');
  expect(countOpen(path)).toBe(0);
});

describe('settings that are too large', () => {
  const large = '# '.padEnd(MOST_SETTINGS + 1, 'x');

  it('are refused in params.yaml', () => {
    write('params.yaml', large);
    expect(() => readParams(folder)).toThrow(
      /params\.yaml cannot be read \(it has 1048577 bytes, more than 1048576\)/,
    );
  });

  it('are refused in a .dvc file, and in the configuration of its repository', async () => {
    await expect(readOutput(write('a.dvc', large), 'a.dvc')).rejects.toThrow(
      'a.dvc cannot be read as YAML (it has 1048577 bytes, more than 1048576)',
    );
    mkdirSync(join(folder, '.dvc'));
    write('.dvc/config', large);
    await expect(readRemote(join(folder, 'a.dvc'), 'a.dvc', undefined)).rejects.toThrow(
      'a.dvc is in a repository whose .dvc/config cannot be read (it has 1048577 bytes',
    );
  });
});
