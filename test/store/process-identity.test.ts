import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { identityFromPs, processIdentity } from '../../store/process-identity.ts';
import { needsProc } from '../support/needs.ts';
import { SOON } from '../support/soon.ts';

/** `T` for a process that is stopped. */
const stateOf = (pid: number): string =>
  execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();

describe.each([
  ['of this system', processIdentity],
  ['by ps', identityFromPs],
])('the identity of a process, %s', (_, identityOf) => {
  it('stays the same while it runs', () => {
    expect(identityOf(process.pid)).toMatch(/^\S/);
    expect(identityOf(process.pid)).toBe(identityOf(process.pid));
  });

  it('is undefined once the process has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    expect(identityOf(child.pid!)).toMatch(/^\S/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identityOf(child.pid!)).toBeUndefined();
  });

  it('is undefined once the process has ended, also where its parent has not noticed it yet', async () => {
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
    onTestFinished(() => void parent.kill('SIGKILL'));
    const pid = Number(await once(parent.stdout, 'data'));
    expect(identityOf(pid)).toMatch(/^\S/);
    parent.kill('SIGSTOP'); // a stopped process notices nothing
    await vi.waitFor(() => expect(stateOf(parent.pid!)).toMatch(/^T/), SOON);
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(identityOf(pid)).toBeUndefined(), SOON);
    expect(() => process.kill(pid, 0)).not.toThrow();
  });

  it('is the same in every time zone and language', () => {
    const before = identityOf(process.pid);
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('TZ', 'Asia/Tokyo');
    vi.stubEnv('LC_ALL', 'de_DE.UTF-8');
    expect(identityOf(process.pid)).toBe(before);
  });

  it('is undefined for a number that no process has', () => {
    expect(identityOf(2 ** 30)).toBeUndefined();
  });
});

it(
  'the identity of a process has the boot and its start, so that no later process has the same',
  needsProc,
  async () => {
    const [boot, start] = processIdentity(process.pid)!.split(':');
    expect(boot).toMatch(/^[0-9a-f-]{36}$/);
    expect(start).toMatch(/^\d+$/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    await once(child, 'spawn');
    const [childBoot, childStart] = processIdentity(child.pid!)!.split(':');
    child.kill('SIGKILL');
    expect(childBoot).toBe(boot);
    expect(Number(childStart)).toBeGreaterThan(Number(start));
  },
);
