import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PartName } from '../../../infra/report.ts';
import { formatLine, printLogs } from '../../../client/commands/stack/logs.ts';
import { formatWaiting } from '../../../client/commands/stack/progress.ts';

describe('the line that moves while a stack starts', () => {
  it('names what is waited for, and for how long', () => {
    const waiting = new Map([
      ['mlflow', 1_000],
      ['worker', 10_500],
    ] as const);
    expect(formatWaiting(waiting, 13_000)).toMatch(/^\S MLflow 12\S* s, worker 2\S* s$/);
    expect(formatWaiting(waiting, 13_100)).not.toBe(formatWaiting(waiting, 13_000));
    expect(formatWaiting(new Map(), 13_000)).toBe('');
  });
});

describe('the log of a part', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stack logs '));
    mkdirSync(join(dir, 'logs'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
    vi.restoreAllMocks();
  });

  const printed = async (
    parts: PartName[],
    options: Partial<Parameters<typeof printLogs>[2]> = {},
  ): Promise<string> => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await printLogs(dir, parts, { lines: 2, follow: false, raw: false, ...options });
    return out.mock.calls.flat().join('');
  };

  it('is printed from its end, with a line that is not written to its end', async () => {
    writeFileSync(join(dir, 'logs', 's3.log'), 'one\ntwo\nthree\nfo');
    expect(await printed(['s3'])).toBe('three\nfo\n');
  });

  it('has the name of its part before each line where all logs are printed', async () => {
    writeFileSync(join(dir, 'logs', 's3.log'), 'one\n');
    writeFileSync(
      join(dir, 'logs', 'worker.log'),
      '{"level":30,"time":0,"msg":"worker starts","role":"all"}\n',
    );
    expect(await printed(['temporal', 's3', 'worker'])).toMatch(
      /^s3     \| one\nworker \| \[\d\d:\d\d:\d\d\] INFO: worker starts\nworker \|     role: "all"\n$/,
    );
  });

  it('is text in a pipe too, and as it was written with --raw', async () => {
    const line = '{"level":40,"time":0,"msg":"Activity failed"}\n';
    writeFileSync(join(dir, 'logs', 'worker.log'), line);
    expect(await printed(['worker'])).toMatch(/^\[[\d:]+\] WARN: Activity failed\n$/);
    vi.restoreAllMocks();
    expect(await printed(['worker'], { raw: true })).toBe(line);
  });

  it('is refused with what to do where the part was never started', async () => {
    await expect(printed(['worker'])).rejects.toThrow(
      /there is no log of worker in .*: start the stack with/,
    );
  });

  it('is waited for with --follow, until Ctrl-C, and a message says so', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const leaving = vi.spyOn(process, 'once').mockReturnValue(process);
    const following = printed(['worker'], { follow: true });
    leaving.mock.calls.find(([event]) => event === 'SIGINT')![1]();
    expect(await following).toBe('');
    expect(said.mock.calls.flat().join('')).toMatch(
      /^there is no log of worker in .* yet: this command waits for it, until you press Ctrl-C\n$/,
    );
  });

  it('is text: a retry by its sentence, a fault with its stack', () => {
    const show = formatLine();
    const entry = {
      time: 0,
      msg: 'Activity failed',
      activityType: 'train',
      workflowId: 'iris-batch-1',
      attempt: 2,
      pid: 7,
      err: { type: 'Error', message: 'MLflow does not answer', stack: 'Error: MLflow\n    at x' },
    };
    expect(show(JSON.stringify({ ...entry, level: 40 }))).toMatch(
      /^\[\d\d:\d\d:\d\d\] WARN: Activity failed \(train of iris-batch-1, attempt 2\) – MLflow does not answer$/,
    );
    expect(show(JSON.stringify({ ...entry, level: 50 }))).toMatch(/ERROR: .*\n[^]*at x/);
    const cause = 'ENOENT: no such file';
    const quoted = { ...entry.err, message: `wine.csv cannot be read (${cause}): ${cause}` };
    expect(show(JSON.stringify({ ...entry, level: 40, err: quoted }))).toMatch(
      /– wine\.csv cannot be read \(ENOENT: no such file\)$/,
    );
    expect(show('{"level":30,"time":0,"msg":"Worker state changed","state":"RUNNING"}')).toMatch(
      /INFO: Worker state changed: RUNNING$/,
    );
    expect(show('plain text of a server')).toBe('plain text of a server');
    expect(show('{ no JSON')).toBe('{ no JSON');
  });
});
