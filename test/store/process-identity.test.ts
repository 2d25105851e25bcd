import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { identityFromPs, processIdentity } from '../../store/process-identity.ts';

describe.each([
  ['of this system', processIdentity],
  ['by ps', identityFromPs],
])('the identity of a process, %s', (_, identityOf) => {
  it('stays the same while it runs', () => {
    expect(identityOf(process.pid)).toMatch(/\S/);
    expect(identityOf(process.pid)).toBe(identityOf(process.pid));
  });

  it('is undefined once the process has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    await once(child, 'spawn');
    expect(identityOf(child.pid!)).not.toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identityOf(child.pid!)).toBeUndefined();
  });

  it('is undefined for a number that no process has', () => {
    expect(identityOf(2 ** 30)).toBeUndefined();
  });
});

it.runIf(process.platform === 'linux')(
  'the identity of a process has the boot and its start, so that no later process has the same',
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
