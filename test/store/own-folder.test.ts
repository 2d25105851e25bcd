import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  newOwnFolder,
  sweepOwnFolders,
  withOwnFolder,
  withScratch,
} from '../../store/own-folder.ts';
import { tempFolder } from '../infra/temp-folder.ts';
import { changeFs } from '../support/change-fs.ts';

const module = new URL('../../store/own-folder.ts', import.meta.url).href;

/** A process that makes its own folder in `parent` with a file in it, and runs until it is killed. */
async function worker(parent: string): Promise<{ folder: string; kill: () => Promise<void> }> {
  const script = `
    import { writeFileSync } from 'node:fs';
    const { newOwnFolder } = await import(${JSON.stringify(module)});
    const folder = await newOwnFolder(${JSON.stringify(parent)}, 'scratch');
    writeFileSync(folder + '/half', 'half of it');
    process.stdout.write(folder);
    setInterval(() => {}, 1000);`;
  const tsx = import.meta.resolve('tsx');
  const child = spawn(
    process.execPath,
    ['--import', tsx, '--input-type=module', '--eval', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const folder = await new Promise<string>((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text))),
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    folder,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The same folder with the name of another owner. */
function renamed(folder: string, change: (parts: string[]) => void): string {
  const parts = basename(folder).split('-'); // retrain, kind, where, pid, who, random
  change(parts);
  const other = join(dirname(folder), parts.join('-'));
  renameSync(folder, other);
  return other;
}

describe('a folder of a process', () => {
  it('is removed when its work has ended or failed', async () => {
    const parent = tempFolder('own');
    const work = (folder: string): Promise<never> => {
      writeFileSync(join(folder, 'half'), '');
      throw new Error('no');
    };
    await expect(withOwnFolder(parent, 'scratch', work)).rejects.toThrow('no');
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is removed where another part of the failed work still writes into it', async () => {
    const parent = tempFolder('own');
    const write = async (folder: string): Promise<void> => {
      // Until it finds the folder no more.
      for (let i = 0; i < 100_000; i++) await writeFile(join(folder, `${i}`), '');
    };
    const work = async (folder: string): Promise<never> => {
      void write(folder).catch(() => undefined);
      await sleep(5);
      throw new Error('one part has failed');
    };
    for (let time = 0; time < 5; time++)
      await expect(withOwnFolder(parent, 'scratch', work)).rejects.toThrow('one part has failed');
    expect(readdirSync(parent)).toEqual([]);
  });

  it('that cannot be removed does not hide why its work has failed', async () => {
    const gone = new Error('the disk is gone');
    changeFs('rm', () => async () => {
      throw gone;
    });
    const parent = tempFolder('own');
    const fail = (): Promise<never> => Promise.reject(new Error('a row has no target'));
    await expect(withOwnFolder(parent, 'scratch', fail)).rejects.toThrow('a row has no target');
    await expect(withOwnFolder(parent, 'scratch', async () => 'done')).rejects.toThrow(gone);
  });

  it('may be removed by its own work', async () => {
    const work = async (folder: string): Promise<string> => {
      rmSync(folder, { recursive: true });
      return 'done';
    };
    expect(await withOwnFolder(tempFolder('own'), 'scratch', work)).toBe('done');
  });

  it('is in the folder for scratch, and is removed with what is in it', async () => {
    const scratch = join(tempFolder('own'), 'not', 'there');
    const name = await withScratch({ scratch }, async (folder) => {
      writeFileSync(join(folder, 'half'), '');
      expect(dirname(folder)).toBe(scratch);
      return basename(folder);
    });
    expect(name).toMatch(/^retrain-scratch-[0-9a-f]{8}-\d+-[0-9a-f]{8}-\w{6}$/);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('is not made where a file is in its place, and the system says why', async () => {
    const file = join(tempFolder('own'), 'file');
    writeFileSync(file, '');
    await expect(newOwnFolder(file, 'scratch')).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('stays while the process runs, and is removed after it was killed', async () => {
    const parent = tempFolder('own');
    const { folder, kill } = await worker(parent);
    const mine = await newOwnFolder(parent, 'source');
    expect(await sweepOwnFolders(parent)).toBe(0);
    expect([existsSync(join(folder, 'half')), existsSync(mine)]).toEqual([true, true]);
    await kill();
    expect(await sweepOwnFolders(parent)).toBe(1);
    expect(readdirSync(parent)).toEqual([basename(mine)]);
  });

  it('is removed when its pid belongs to another process', async () => {
    const parent = tempFolder('own');
    renamed(await newOwnFolder(parent, 'scratch'), (parts) => (parts[4] = '00000000'));
    expect(await sweepOwnFolders(parent)).toBe(1);
    expect(readdirSync(parent)).toEqual([]);
  });

  it('of another machine is removed only when nothing in it has changed for days', async () => {
    const parent = tempFolder('own');
    const other = renamed(await newOwnFolder(parent, 'scratch'), (parts) => {
      parts[2] = '00000000';
      parts[4] = '00000000';
    });
    mkdirSync(join(other, 'in'));
    writeFileSync(join(other, 'in', 'half'), '');
    const days = new Date(Date.now() - 3 * 86_400_000);
    for (const path of [other, join(other, 'in')]) utimesSync(path, days, days);
    expect(await sweepOwnFolders(parent)).toBe(0); // the file is being written
    utimesSync(join(other, 'in', 'half'), days, days);
    expect(await sweepOwnFolders(parent)).toBe(1);
  });

  it('is the only thing that is removed', async () => {
    const parent = tempFolder('own');
    const others = ['notes', 'retrain-notes', '1234-abcdef'];
    const days = new Date(Date.now() - 30 * 86_400_000);
    for (const name of others) {
      mkdirSync(join(parent, name));
      utimesSync(join(parent, name), days, days);
    }
    expect(await sweepOwnFolders(parent)).toBe(0);
    expect(readdirSync(parent).sort()).toEqual([...others].sort());
    expect(await sweepOwnFolders(join(parent, 'nowhere'))).toBe(0);
  });
});
