import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  lockFolder,
  isInGit,
  RECEIPT,
  writeFolder,
} from '../../../../client/commands/dvc/folder.ts';
import { Conflict, SetupError } from '../../../../contract/failures.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrain dvc '));
});

afterEach(() => rmSync(folder, { recursive: true }));

const write = (files: Record<string, string>, force = false): Promise<void> =>
  writeFolder(folder, new Map(Object.entries(files)), { force, about: { version: 1 } });
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');

describe('a folder that is exported to', () => {
  it('is one, or made one, and takes one export at a time', async () => {
    const inside = join(folder, 'new', 'one');
    let busy = false;
    const alone = async (): Promise<void> => {
      expect(busy).toBe(false);
      busy = true;
      await new Promise((resolve) => setTimeout(resolve, 20));
      busy = false;
    };
    await Promise.all([lockFolder(inside, alone), lockFolder(inside, alone)]);
    expect(readdirSync(inside)).toEqual([]);
    writeFileSync(join(folder, 'file'), '');
    await expect(lockFolder(join(folder, 'file'), alone)).rejects.toThrow(
      /file cannot be made a folder .*--out/,
    );
  });

  it('keeps nothing of a file that could not be written', async () => {
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    await expect(write({ a: '1\n' }, true)).rejects.toThrow(SetupError);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('takes one export after another', async () => {
    await write({ 'a.yaml': '1\n', '.dvc/config': 'x\n' });
    await write({ 'a.yaml': '2\n', '.dvc/config': 'x\n' });
    expect([read('a.yaml'), read('.dvc/config')]).toEqual(['2\n', 'x\n']);
  });

  it('is left as it is when files of it were edited, also those that are written before them', async () => {
    await write({ a: '1\n', b: '1\n', c: '1\n' });
    writeFileSync(join(folder, 'b'), 'mine\n');
    writeFileSync(join(folder, 'c'), 'mine\n');
    const refusal = write({ a: '2\n', b: '2\n', c: '2\n' });
    await expect(refusal).rejects.toThrow(Conflict);
    await expect(refusal).rejects.toThrow('(b, c)');
    expect([read('a'), read('b'), read('c')]).toEqual(['1\n', 'mine\n', 'mine\n']);
  });

  it('is left as it is when it held such files before the first export', async () => {
    writeFileSync(join(folder, 'params.yaml'), 'mine: 1\n');
    await expect(write({ 'params.yaml': 'model: {}\n' })).rejects.toThrow('(params.yaml)');
    expect(read('params.yaml')).toBe('mine: 1\n');
  });

  it('is overwritten with force', async () => {
    writeFileSync(join(folder, 'a'), 'mine\n');
    await write({ a: '1\n' }, true);
    expect(read('a')).toBe('1\n');
  });

  it('may hold files that the export only adds to', async () => {
    mkdirSync(join(folder, '.dvc'));
    writeFileSync(join(folder, '.dvc', 'config'), '');
    writeFileSync(join(folder, '.gitignore'), '*.tmp\n');
    await write({ '.dvc/config': 'x\n', '.gitignore': '*.tmp\n/data/\n' });
    expect(read('.gitignore')).toBe('*.tmp\n/data/\n');
  });

  it('counts every file as edited when its receipt is not one of ours', async () => {
    await write({ a: '1\n' });
    writeFileSync(join(folder, RECEIPT), 'not json');
    await expect(write({ a: '2\n' })).rejects.toThrow(Conflict);
  });

  it('gives one sentence where it cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const inside = writeFolder(join(folder, 'file'), new Map([['a', '1']]), {
      force: false,
      about: {},
    });
    await expect(inside).rejects.toThrow(SetupError);
  });
});

describe('a git repository', () => {
  it('is found from below, and a worktree’s file counts', () => {
    const below = join(folder, 'a', 'b');
    expect(isInGit(below)).toBe(false);
    writeFileSync(join(folder, '.git'), 'gitdir: elsewhere\n');
    expect(isInGit(below)).toBe(true);
  });
});
