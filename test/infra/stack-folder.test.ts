import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureCredentials, ensureOwnFolder, readCredentials } from '../../infra/stack-folder.ts';
import { tempFolder } from './temp-folder.ts';

describe('the credentials of a stack', () => {
  it('are made once and read again', () => {
    const dir = tempFolder('stack');
    const made = ensureCredentials(dir);
    expect(readCredentials(dir)).toEqual(made);
    expect(ensureCredentials(dir)).toEqual(made);
  });

  it('are missing where no stack was started', () => {
    const dir = tempFolder('stack');
    expect(() => readCredentials(dir)).toThrow(
      `there is no stack in ${dir} (${join(dir, 'credentials')} does not exist): start it first`,
    );
  });

  it('may be there for another user alone', () => {
    const dir = tempFolder('stack');
    const file = join(dir, 'credentials');
    symlinkSync(file, file); // a root user may read any file, but not follow such a link
    expect(() => readCredentials(dir)).toThrow(
      `${file} cannot be read (ELOOP): run the command as the user who started the stack, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    );
  });

  it('are refused where the file lacks one', () => {
    const dir = tempFolder('stack');
    writeFileSync(join(dir, 'credentials'), 'AWS_ACCESS_KEY_ID=a\n');
    expect(() => readCredentials(dir)).toThrow('lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY');
  });
});

describe('the folder of a stack', () => {
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('is made for its owner alone', () => {
    const dir = join(tempFolder('stack'), 'new', '.stack');
    ensureOwnFolder(dir);
    expect(modeOf(dir)).toBe('700');
  });

  it('of an earlier program becomes so, with all that servers wrote, and nothing that is linked', () => {
    const dir = tempFolder('stack');
    const outside = join(tempFolder('stack'), 'outside');
    writeFileSync(outside, '');
    chmodSync(outside, 0o644);
    for (const folder of ['temporal', 'mlflow/artifacts/1', 'venv/bin', 'logs'])
      mkdirSync(join(dir, folder), { recursive: true });
    for (const file of ['temporal/temporal.db', 'mlflow/artifacts/1/model', 'venv/bin/weed'])
      writeFileSync(join(dir, file), '', { mode: 0o644 });
    symlinkSync(outside, join(dir, 'logs/link'));
    for (const path of [dir, join(dir, 'temporal'), join(dir, 'venv')]) chmodSync(path, 0o755);
    chmodSync(join(dir, 'venv/bin/weed'), 0o755);
    ensureOwnFolder(dir);
    for (const folder of [
      '',
      'temporal',
      'mlflow',
      'mlflow/artifacts',
      'mlflow/artifacts/1',
      'logs',
    ])
      expect([folder, modeOf(join(dir, folder))]).toEqual([folder, '700']);
    for (const file of ['temporal/temporal.db', 'mlflow/artifacts/1/model'])
      expect([file, modeOf(join(dir, file))]).toEqual([file, '600']);
    expect(modeOf(join(dir, 'venv/bin/weed'))).toBe('755');
    expect(modeOf(outside)).toBe('644');
  });
});
