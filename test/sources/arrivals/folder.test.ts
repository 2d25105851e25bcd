import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFolder } from '../../../sources/arrivals/folder.ts';
import { readSource, place } from '../read-source.ts';

/** Files that this process may not read, also where the tests run as root, which may read all, and files that change. */

const NOBODY = 65_534;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arriving '));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Does some work as a user without rights, if this is one that has them. */
async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

/** A file that only root can read. */
function locked(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, 'a,label\n1,x\n');
  chmodSync(path, 0);
  return path;
}

describe('a source that may not be read', () => {
  it('is said at once, by the path that was given', async () => {
    const source = locked('wine.csv');
    const refused = withoutRights(() => readSource(source, { ...place, root: folder }));
    await expect(refused).rejects.toMatchObject({ name: 'BadData', retryable: false });
    await expect(refused).rejects.toThrow(`data.source ${source} cannot be read (EACCES`);
  });

  it('in a folder that may not be entered is said, too', async () => {
    mkdirSync(join(folder, 'closed'));
    const source = locked('closed/wine.csv');
    chmodSync(join(folder, 'closed'), 0);
    await expect(withoutRights(() => readSource(source))).rejects.toThrow('cannot be read (EACCES');
    const looked = openFolder({ where: 'closed/', path: join(folder, 'closed') });
    await expect(withoutRights(() => looked.list())).rejects.toThrow(
      'data.source closed/ cannot be listed (EACCES',
    );
  });

  it('among files that arrive is left to the others by name', async () => {
    locked('bad.csv');
    writeFileSync(join(folder, 'good.csv'), 'a,label\n1,x\n');
    const looked = openFolder({ where: 'in/', path: folder });
    const { files } = await withoutRights(() => looked.list());
    const read = (name: string) =>
      withoutRights(() => looked.read(files.find((file) => file.name === name)!));
    await expect(read('bad.csv')).rejects.toThrow('it cannot be read (EACCES');
    expect(Buffer.from((await read('good.csv'))!).toString()).toBe('a,label\n1,x\n');
  });
});

it('a file that has changed since it was listed is not read: a later look reads it whole', async () => {
  const path = join(folder, 'a.csv');
  const write = (text: string, seconds: number): void => {
    writeFileSync(path, text);
    utimesSync(path, seconds, seconds);
  };
  write('a,label\n1,x\n', 1_000);
  const opened = openFolder({ where: 'in/', path: folder });
  const { files } = await opened.list();
  expect(Buffer.from((await opened.read(files[0]!))!).toString()).toBe('a,label\n1,x\n');
  write('a,label\n2,x\n', 2_000);
  expect(await opened.read(files[0]!)).toBeUndefined();
});

it('a file that changes during a listing is still being written, and the others are not', async () => {
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  put('still.csv', 'a,label\n1,x\n');
  put('growing.csv', 'a,label\n');
  let text = 'a,label\n';
  const writing = setInterval(() => put('growing.csv', (text += '1,x\n')), 20);
  try {
    expect(await openFolder({ where: 'in/', path: folder }).list()).toMatchObject({
      files: [{ name: 'still.csv' }],
      writing: ['growing.csv'],
    });
  } finally {
    clearInterval(writing);
  }
});
