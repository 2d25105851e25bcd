import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWorkingTree } from '../../../../client/commands/checkout/working-tree.ts';
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
    await expect(look()).rejects.toThrow(/data is not a folder, and one belongs there: move it/);
    rmSync(join(folder, 'data'));
    mkdirSync(join(folder, ref.path), { recursive: true });
    await expect(look()).rejects.toThrow(/a\.csv is not a file, and one belongs there: move it/);
  });
});
