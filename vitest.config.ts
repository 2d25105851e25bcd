import { defineConfig } from 'vitest/config';

/**
 * Two projects: `unit` needs nothing but Node; `servers` (files named `*.servers.test.ts`, and
 * test/e2e) starts a stack of its own, on free ports and in a folder of its own, before the first file.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.servers.test.ts', 'test/e2e/**'],
          setupFiles: ['test/support/seed.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/**/*.servers.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: 'test/support/stack.ts',
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          // A shared machine can pause a server for longer than a test waits: one more try, which the log shows.
          retry: process.env['CI'] === undefined ? 0 : 1,
        },
      },
    ],
  },
});
