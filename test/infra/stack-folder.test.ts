import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureCredentials, readCredentials } from '../../infra/stack-folder.ts';
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
