import { vi } from 'vitest';

// The files of tests share their modules, so all of them must replace the same ones.
vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});
