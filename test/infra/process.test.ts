import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { identityFromPs, processIdentity } from '../../store/process-identity.ts';
import { launch, findProcess, lastLines, logFile, readTail } from '../../infra/process.ts';
import { stopPart } from '../../infra/run-part.ts';
import { tempFolder } from './temp-folder.ts';

const folder = (): string => tempFolder('stack');
const start = (dir: string, script: string): ReturnType<typeof launch> =>
  launch({
    dir,
    part: 'mlflow',
    command: [process.execPath, '-e', script],
    cwd: dir,
    env: process.env,
    fingerprint: '',
  });

describe('a process of the stack', () => {
  it('is identified by its start time, so that a later process with its pid is not killed', async () => {
    const dir = folder();
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const pid = bystander.pid ?? 0;
    await sleep(50); // start times count in hundredths of a second
    const mine = await start(dir, '');
    writeFileSync(join(dir, 'run', 'mlflow.json'), JSON.stringify({ ...mine, pid }));
    expect(findProcess(dir, 'mlflow')).toBeUndefined();
    await stopPart(dir, 'mlflow', 100);
    expect(processIdentity(pid)).toBeDefined();
    bystander.kill();
  });

  it('is identified by ps where there is no /proc', async () => {
    const own = identityFromPs(process.pid);
    expect(own).toMatch(/\d\d:\d\d:\d\d/); // when it was started, and no other column
    expect(identityFromPs(process.pid)).toBe(own);
    const gone = spawn(process.execPath, ['-e', '0']);
    await new Promise((resolve) => gone.once('close', resolve));
    expect(identityFromPs(gone.pid!)).toBeUndefined();
  });

  it('no longer runs when it has ended, even as a zombie', async () => {
    const dir = folder();
    await start(dir, '');
    await expect.poll(() => findProcess(dir, 'mlflow')).toBeUndefined();
  });

  it('ends together with the children that outlived it', async () => {
    const dir = folder();
    const child = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid`;
    const { pid } = await start(dir, `console.log(${child}); setInterval(() => {}, 1000)`);
    await expect.poll(() => readFileSync(logFile(dir, 'mlflow'), 'utf8')).toMatch(/^\d+\n/);
    const orphan = Number(readFileSync(logFile(dir, 'mlflow'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => findProcess(dir, 'mlflow')).toBeUndefined();
    expect(processIdentity(orphan)).toBeDefined();
    expect(await stopPart(dir, 'mlflow', 30_000)).toEqual({ found: true, killed: false });
    expect(processIdentity(orphan)).toBeUndefined();
  });

  it('is killed only when it does not end within its grace time', async () => {
    const dir = folder();
    await start(
      dir,
      `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`,
    );
    await expect.poll(() => readFileSync(logFile(dir, 'mlflow'), 'utf8')).toMatch('up');
    expect(await stopPart(dir, 'mlflow', 200)).toEqual({ found: true, killed: true });
    expect(await stopPart(dir, 'mlflow', 200)).toEqual({ found: false, killed: false });
  });

  it('makes files for its owner alone, and so does this process only as before', async () => {
    const dir = folder();
    const before = process.umask();
    await start(
      dir,
      `require('fs').mkdirSync('made'); require('fs').writeFileSync('made/file', '')`,
    );
    expect(process.umask()).toBe(before);
    await expect.poll(() => existsSync(join(dir, 'made/file'))).toBe(true);
    const modes = ['made', 'made/file', 'run', 'logs', 'logs/mlflow.log'].map(
      (path) => statSync(join(dir, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o700, 0o700, 0o600]);
  });

  it('starts a new log when the old one is larger than 20 MB', async () => {
    const dir = folder();
    await start(dir, '');
    writeFileSync(logFile(dir, 'mlflow'), Buffer.alloc(21 * 1024 * 1024));
    await start(dir, '');
    expect(statSync(logFile(dir, 'mlflow')).size).toBeLessThan(1000);
    expect(statSync(`${logFile(dir, 'mlflow')}.1`).size).toBe(21 * 1024 * 1024);
  });
});

describe('the end of a log', () => {
  it('is as many whole lines as were asked for, however long they are', () => {
    const file = join(folder(), 'long.log');
    const lines = Array.from({ length: 60 }, (_, i) => `${i} ${'ä'.repeat(1_500)}`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    expect(lastLines(file, 50)).toEqual(lines.slice(-50));
    expect(lastLines(file, 100)).toEqual(lines);
  });

  it('ends with a line that is not written to its end, which a reader that follows it leaves', () => {
    const file = join(folder(), 'half.log');
    writeFileSync(file, 'one\ntwo\nthr');
    expect(lastLines(file, 2)).toEqual(['two', 'thr']);
    expect(readTail(file, 2)).toEqual({ lines: ['one', 'two'], rest: 'thr', end: 8 });
  });
});
