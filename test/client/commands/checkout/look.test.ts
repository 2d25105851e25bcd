import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  readCheckoutState,
  readWorkingTree,
} from '../../../../client/commands/checkout/working-tree.ts';
import { refOf } from '../../../../store/hash.ts';
import { LocalCache } from '../../../../store/local-cache.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrain look '));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('a working tree that is looked at', () => {
  const ref = refOf('data/raw/a.csv', Buffer.from('a\n'));
  const look = (): ReturnType<typeof readWorkingTree> =>
    readWorkingTree(
      { folder, state: undefined, cache: new LocalCache(join(folder, 'cache')) },
      new Map([[ref.path, { ref, artifact: ref.path }]]),
    );

  it('separates wanted bytes from unknown ones', async () => {
    expect([...(await look())]).toEqual([]);
    mkdirSync(join(folder, 'data/raw'), { recursive: true });
    writeFileSync(join(folder, ref.path), 'a\n');
    expect((await look()).get(ref.path)).toEqual({ sha256: ref.sha256, known: true });
    writeFileSync(join(folder, ref.path), 'b\n');
    expect((await look()).get(ref.path)).toMatchObject({ known: false });
  });

  it('is refused where a file is in a folder’s place, or a folder in a file’s', async () => {
    writeFileSync(join(folder, 'data'), 'mine');
    await expect(look()).rejects.toThrow(
      /data is not a folder, and checkout needs one there: move it/,
    );
    rmSync(join(folder, 'data'));
    mkdirSync(join(folder, ref.path), { recursive: true });
    await expect(look()).rejects.toThrow(
      /a\.csv is not a file, and checkout needs one there: move it/,
    );
  });

  it('is refused where a symbolic link leads elsewhere, also for files of an earlier checkout', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(join(elsewhere, 'raw'), { recursive: true });
    symlinkSync(elsewhere, join(folder, 'data'));
    await expect(look()).rejects.toThrow(
      /data is a symbolic link, not a folder, and checkout needs one/,
    );
    const state = { schema: 1 as const, pipeline: 'p', version: 1, folders: [], files: {} };
    const file = { sha256: ref.sha256, size: 2, mtime_ms: 1 };
    const tree = { folder, cache: new LocalCache(join(folder, 'cache')) };
    const earlier = { ...state, files: { [ref.path]: file } };
    await expect(readWorkingTree({ ...tree, state: earlier }, new Map())).rejects.toThrow(
      /data is a symbolic link/,
    );
    rmSync(join(folder, 'data'));
    mkdirSync(join(folder, 'data/raw'), { recursive: true });
    writeFileSync(join(elsewhere, 'a.csv'), 'a\n');
    symlinkSync(join(elsewhere, 'a.csv'), join(folder, ref.path));
    await expect(look()).rejects.toThrow(/a\.csv is a symbolic link, not a file/);
  });

  it.each(['../x', '.git/config', 'node_modules/x/index.js'])(
    'takes no notes that name %s, which no checkout wrote',
    async (path) => {
      const file = { sha256: ref.sha256, size: 2, mtime_ms: 1 };
      const notes = { schema: 1, pipeline: 'p', version: 1, folders: [], files: { [path]: file } };
      mkdirSync(join(folder, '.retrain'));
      writeFileSync(join(folder, '.retrain/checkout.json'), JSON.stringify(notes));
      expect(await readCheckoutState(folder)).toBeUndefined();
    },
  );
});
