import { setTimeout as sleep } from 'node:timers/promises';
import { listMembers } from '../../infra/process.ts';
import { isFree } from '../../infra/ports.ts';
import type { Ports } from '../../infra/ports.ts';
import { stackUp } from '../../infra/stack.ts';
import { stackEnv } from '../support/stack-env.ts';
import type { PartName } from '../../infra/report.ts';
import { root, testPorts, testStackDir, venv } from '../support/stack.ts';

/** Servers of one's own, to be killed. */
export interface Servers {
  /** Ends every process of a part at once, with no time to say goodbye. */
  kill: (part: PartName) => Promise<void>;
  /** Starts what is not running, and waits until all answer. */
  up: () => Promise<void>;
  close: () => Promise<void>;
}

/** Starts a stack without the worker in a temporary folder; its addresses go into the environment. */
export async function openServers(): Promise<Servers> {
  const { dir, remove } = testStackDir();
  const ports: Ports = await testPorts();
  const up = (): Promise<void> =>
    stackUp({ root, dir, venv, ports, s3: 'seaweedfs', worker: false });
  const portOf = (part: PartName): number => ports[part === 'worker' ? 'health' : part];
  try {
    await up();
  } catch (error) {
    await remove();
    throw error;
  }
  Object.assign(process.env, stackEnv(dir));
  return {
    up,
    close: remove,
    kill: async (part) => {
      for (const pid of await listMembers(dir, part)) process.kill(pid, 'SIGKILL');
      // A process of many threads looks gone before its last thread has closed the port.
      while ((await listMembers(dir, part)).length > 0 || !(await isFree(portOf(part))))
        await sleep(20);
    },
  };
}
